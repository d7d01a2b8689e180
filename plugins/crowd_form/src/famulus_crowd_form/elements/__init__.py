"""The elements that a template can use: their fields on the page, and their answers."""
