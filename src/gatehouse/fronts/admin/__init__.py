"""The panel at `/admin`, where operators look after merchants, accounts and devices.

It works without scripts and asks no other host for anything. What a page is made of:

- `views/<group>.py` has the functions of one group of pages and a `Tasks` named `tasks` that knows their addresses,
  `templates/admin/<group>/` their templates, which extend `admin/layout.html` and use the macros of `admin/parts.html`.
- A group is put into `views/__init__.py`, into `GROUPS`; a tab beside the others of a merchant comes from its `tab`.
- `tasks.page` is a page, `tasks.form` one that is also sent back, `tasks.action` what a button of another page sends.
  Each names the `Right` that it takes. Before the function runs, `guarding.py` has seen to it that an operator is
  signed in, has this right and works for the merchant in the address; that every record in the address
  (`account_id`, `device_number` and so on, see `guarding.MERCHANT_OF`) is of that merchant; and that what is sent
  comes from a form of this session. A new kind of record in an address is added to `MERCHANT_OF`, or is refused.
- The function calls operations with `visit.call`, and returns `visit.render(template, …)`, or after a change
  `visit.go(endpoint, done=…)`, where `done` names a text of `notices.py`. An `AdministrationError` becomes a page.
- A form has its fields in `form_fields/`, of the parts in `forms.py`. `filling.fill(…)` shows it, says at each field
  what is wrong, and keeps it from overwriting what somebody else has changed (`operations/revisions.py`).
- What can do harm asks first: `visit.confirm(…)` says what it will do and to how many. Where pages are about one
  record, its `subjects.Subject` asks and leads back. A notice names the endpoint that undoes what it tells of.
- Rights are decided once more where they count, in operations (`operations/authority.py`): `visit.call` knows who asks.
- Personal values are shown through `visit.shown`, which masks them for who may not see them.
- `tests/conformance/admin/` visits every address that is registered, as every role; a new page adds a line to
  the visits there, so that it is also looked at by axe-core.
"""
