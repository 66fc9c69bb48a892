"""`gatehouse wsdl`: writes the description of the service."""

import json
from pathlib import Path

import click


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path), default=Path("wsdl"))
@click.option("--json", "as_json", is_flag=True, help="Print the paths written as a JSON array.")
def wsdl(folder: Path, as_json: bool) -> None:
    """Write the WSDL and its schemas to FOLDER, as they are kept in the project.

    \b
    Example: gatehouse wsdl /tmp/description
    """
    from gatehouse.fronts.soap.protocol import make_application
    from gatehouse.fronts.soap.wsdl import write_documents

    paths = [str(path) for path in write_documents(make_application(), folder)]
    click.echo(json.dumps(paths) if as_json else "\n".join(paths))
