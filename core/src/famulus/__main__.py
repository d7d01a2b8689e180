"""``python -m famulus``: the command, where its script is not on the path."""

from famulus.cli import main

main()
