"""Flask-Security with Flask-SQLAlchemy, as its quick start sets it up. DATABASE is the file, THREADS use it at once.

Its session is a signed cookie; the account that the cookie names is read from the database for each call.
"""

import os
import uuid

from flask import Flask
from flask_security import Security, SQLAlchemyUserDatastore, auth_required, current_user, hash_password
from flask_security.models import fsqla_v3 as fsqla
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import event

application = Flask("bench")
application.config.update(
    SECRET_KEY="benchmark" * 6,
    SECURITY_PASSWORD_SALT=str(uuid.UUID(int=1)),
    SECURITY_PASSWORD_HASH="argon2",  # noqa: S106 - the name of a method
    SECURITY_EMAIL_VALIDATOR_ARGS={"check_deliverability": False},
    WTF_CSRF_ENABLED=False,
    SQLALCHEMY_DATABASE_URI=f"sqlite:///{os.environ['DATABASE']}",
    SQLALCHEMY_ENGINE_OPTIONS={"pool_size": int(os.environ["THREADS"])},
)
database = SQLAlchemy(application)
fsqla.FsModels.set_db_info(database)


class Role(database.Model, fsqla.FsRoleMixin):
    """The roles of the quick start."""


class User(database.Model, fsqla.FsUserMixin):
    """The accounts of the quick start."""


security = Security(application, SQLAlchemyUserDatastore(database, User, Role))


@application.get("/session")
@auth_required("session")
def session() -> dict[str, str]:
    """Tell whose session it is."""
    return {"email": current_user.email}


with application.app_context():

    @event.listens_for(database.engine, "connect")
    def use_wal(connection, _record) -> None:
        """Have the journal as ours."""
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")

    database.create_all()
    security.datastore.create_user(email="bench@example.com", password=hash_password("correct horse battery staple"))
    database.session.commit()
    database.engine.dispose()
