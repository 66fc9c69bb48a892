"""Which client stacks call for a merchant, with which methods, and what had to be tolerated of them."""

from flask import Response

from gatehouse.domain.operators import Right
from gatehouse.fronts.admin.tasks import Tab, Tasks
from gatehouse.fronts.admin.visits import Visit
from gatehouse.operations import applications, clients

tasks = Tasks("clients", tab=Tab("Clients", "clients_show_all"))


@tasks.page("/merchants/<merchant_id>/clients", Right.READ)
def show_all(visit: Visit, merchant_id: int) -> Response:
    """List the stacks by application, the one that called last first."""
    found = clients.list_clients(visit.call, merchant_id)
    known = applications.list_applications(visit.call, merchant_id)
    return visit.render(
        "clients/list",
        clients=sorted(found, key=lambda each: each.last_seen_at, reverse=True),
        applications={each.id: each.name for each in known},
    )
