"""The service as processes: gunicorn starts and watches them, and in each of them gunicorn or granian speaks HTTP."""

from gatehouse.server.processes import Server as Server
