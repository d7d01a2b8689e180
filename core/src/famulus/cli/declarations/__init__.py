"""The parameters and the help of each command, without the imports that its work needs."""
