"""``python -m maas_sdk``: the ``maas`` command."""

from maas_sdk.cli import main

if __name__ == "__main__":
    main()
