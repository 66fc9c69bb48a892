"""The groups of pages, in the order in which their tabs stand."""

from collections.abc import Sequence

from gatehouse.fronts.admin.tasks import Tasks
from gatehouse.fronts.admin.views import (
    accounts,
    applications,
    audit,
    clients,
    devices,
    explain,
    home,
    integrations,
    merchants,
    messages,
    operators,
    own_account,
    sign_in,
)

GROUPS: Sequence[Tasks] = (
    sign_in.tasks,
    own_account.tasks,
    home.tasks,
    explain.tasks,
    operators.tasks,
    merchants.tasks,
    accounts.tasks,
    devices.tasks,
    messages.tasks,
    applications.tasks,
    integrations.tasks,
    audit.tasks,
    clients.tasks,
)
