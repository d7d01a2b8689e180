"""What commands print: tables, lines and files, made from records."""
