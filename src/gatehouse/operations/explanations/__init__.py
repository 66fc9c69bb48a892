"""Explains to an operator why a call was refused, or would be: which rule it was, and what the caller should change.

- `course.py` is what an explanation is made of: the steps of a call, as far as it comes.
- `callers.py` explains who calls; `account_calls.py` (with `logins.py` and `device_calls.py`) and `guest_calls.py`
  what is asked, each method's steps in the order in which the operation takes them. They ask the operations and their
  rules, and only ever read: no password is tried, no guess is counted, nothing is noted as used.
- `requests.py` explains a call that was made, from what the audit trail keeps of it.
- `texts.py` says in plain words what each outcome and each event means.

An operator is told of the own merchants alone. What is of another one looks exactly like what is not there.
"""
