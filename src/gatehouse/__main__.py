"""`python -m gatehouse` is the command `gatehouse`."""

from gatehouse.cli.main import main

if __name__ == "__main__":
    main()
