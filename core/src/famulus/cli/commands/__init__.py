"""The commands, a module a group of them; each is loaded when it is used."""
