"""Who may open and do what: every address that the panel has, as every role, at one's own merchant and another's."""

import re

import pytest

from gatehouse.domain.operators import RIGHTS, OperatorRole, Right
from gatehouse.fronts.admin.guarding import MERCHANT_OF, OF_ANOTHER, OF_NO_MERCHANT
from gatehouse.fronts.admin.tasks import Task
from gatehouse.fronts.admin.views import GROUPS
from tests.conformance.admin.conftest import MAX, OLGA, SUE, World

TASKS = [task for group in GROUPS for task in group.found]
OF_MERCHANTS = [task for task in TASKS if "<merchant_id>" in task.path]
ROLES = {OLGA: OperatorRole.OWNER, MAX: OperatorRole.MANAGER, SUE: OperatorRole.SUPPORT}

PUBLIC = {"sign_in_start", "sign_in_code"}
"""What somebody may open who is not signed in."""


def names_of(task: Task) -> list[str]:
    """Return the numbers that the address names."""
    return re.findall(r"<(\w+)>", task.path)


def address_of(task: Task, numbers: dict[str, int]) -> str:
    """Return the address with these numbers; records within another one are the first that there ever was."""
    return "/admin" + re.sub(r"<(\w+)>", lambda found: str(numbers.get(found[1], 1)), task.path)


def call(visitor, task: Task, address: str) -> int:
    """Open or send a task; return the status. What is sent chooses nothing and confirms nothing."""
    statuses = [visitor.client.get(address).status_code] if "GET" in task.methods else []
    if "POST" in task.methods:
        statuses.append(visitor.post(address).status_code)
    assert len({status == 403 for status in statuses}) == 1, statuses
    return max(statuses)


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.endpoint)
def test_every_task_has_a_right_and_knows_its_records(task: Task):
    """A page without one would be open to everybody; a record that nobody looks up could be another merchant's."""
    assert (task.right is None) == (task.endpoint in PUBLIC)
    for name in names_of(task):
        assert name == "merchant_id" or name in MERCHANT_OF or name in OF_ANOTHER | OF_NO_MERCHANT


def test_nobody_opens_anything_without_signing_in(visitor, world: World):
    """Neither to look nor to do."""
    for task in TASKS:
        for method in task.methods if task.endpoint not in PUBLIC else ():
            answer = visitor.client.open(address_of(task, world.numbers["ours"]), method=method)
            assert answer.status_code == 303, task.endpoint
            assert answer.headers["Location"].startswith("/admin/sign-in"), task.endpoint


@pytest.mark.parametrize("name", [MAX, SUE])
def test_another_merchant_is_not_there(name: str, visit, world: World):
    """Neither by its own number, nor by those of its records under the number of one's own merchant."""
    visitor, ours, theirs = visit(name), world.numbers["ours"], world.numbers["theirs"]
    before = world.other.events()

    for task in OF_MERCHANTS:
        assert call(visitor, task, address_of(task, theirs)) == 404, task.endpoint
        for record in names_of(task):
            if record in MERCHANT_OF:
                address = address_of(task, ours | {record: theirs[record]})
                assert call(visitor, task, address) == 404, task.endpoint
    assert world.other.events() == before


def test_a_record_is_found_under_its_own_merchant_alone(visit, world: World):
    """An owner may see both, but a page of one never shows what is of the other."""
    visitor, ours, theirs = visit(OLGA), world.numbers["ours"], world.numbers["theirs"]
    pairs = [(task, record) for task in OF_MERCHANTS for record in names_of(task) if record in MERCHANT_OF]
    assert pairs
    for task, record in pairs:
        assert call(visitor, task, address_of(task, ours | {record: theirs[record]})) == 404, task.endpoint


@pytest.mark.parametrize("name", [OLGA, MAX, SUE])
def test_each_role_may_do_what_it_may(name: str, visit, world: World):
    """Every address, one after the other."""
    visitor = visit(name)
    for task in TASKS:
        if task.endpoint in PUBLIC or task.endpoint in ("sign_in_out", "own_account_sign_out_everywhere"):
            continue
        status = call(visitor, task, address_of(task, world.numbers["ours"]))
        is_allowed = task.right in RIGHTS[ROLES[name]]
        assert (status == 403) == (not is_allowed), (task.endpoint, status)
        assert status != 404, task.endpoint
        assert status < 500, task.endpoint


def test_an_owner_sees_every_merchant_and_a_manager_its_own(visit):
    """Also in the list."""
    assert "Other &amp; Sons" in visit(OLGA).get("/admin/merchants").text
    for name in (MAX, SUE):
        text = visit(name).get("/admin/merchants").text
        assert "Café Lumière" in text
        assert "Other" not in text


def test_home_counts_what_one_may_see(visit, world: World):
    """Numbers of another merchant tell something of it, too."""

    def logins(name: str) -> int:
        return int(re.search(r"Logins: (\d+)", visit(name).get("/admin/").text)[1])

    assert (logins(OLGA), logins(MAX), logins(SUE)) == (2, 1, 1)


def test_support_sees_masked_values(visit, world: World):
    """On every page that there is, in whatever part of it."""
    private = ["jane@example.com", "Jane Doe", "+12015550123", "+12015550187", ">jane<"]
    seen = {OLGA: set(), SUE: set()}
    for name in seen:
        visitor = visit(name)
        for task in TASKS:
            if "GET" in task.methods and task.right in RIGHTS[ROLES[name]]:
                text = visitor.client.get(address_of(task, world.numbers["ours"])).text
                seen[name] |= {value for value in private if value in text}

    assert seen[SUE] == set()
    # Numbers of devices are masked for everybody.
    assert seen[OLGA] == set(private) - {"+12015550187"}


def test_every_right_is_of_some_task():
    """But for the one that only decides how values are shown."""
    assert set(Right) - {task.right for task in TASKS} == {Right.READ_UNMASKED}
