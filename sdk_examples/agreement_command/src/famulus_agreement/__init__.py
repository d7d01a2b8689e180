"""The command ``famulus agreement``: how often workers have given the same answer."""
