"""The help pages: what a person needs who was pointed to the address of the service."""
