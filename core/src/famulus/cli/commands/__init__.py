"""The commands, one module per command or group; each is loaded when it is used."""
