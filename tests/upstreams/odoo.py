#!/usr/bin/env python3
"""A stand-in of Odoo 17: XML-RPC version 2, with state, users, rights and faults as recorded from the real one (tests/unit/data/odoo-17).

Every fault is HTTP 200. The text of fault 1 is a traceback with paths. A method that returns None is carried out and then answered
with fault 1. Each answer closes its connection.

    tests/upstreams/odoo.py --listen 127.0.0.1:8069 --db demo        users: demo@example.com / demo, admin / admin
"""

import copy
import datetime
import sys
import traceback
import types
import xmlrpc.client

from odoo_models import MODELS, USERS, fill
from odoo_orm import AccessDenied, AccessError, MissingError, UserError
from standin import Answer, Standin, main, route

CONTROL_CHARACTERS = dict.fromkeys(set(range(32)) - {9, 10, 13})
READS = ("search", "read", "fields_get", "name_search", "default_get", "check_access", "get_available")
XML = {"Content-Type": "text/xml", "Connection": "close"}
PAGE = "<!doctype html>\n<html lang=en>\n<title>{0}</title>\n<h1>{0}</h1>\n<p>{1}</p>\n"


class OperationalError(Exception):
    """psycopg2's."""


OperationalError.__module__ = "psycopg2"


class Database:
    def __init__(self, name):
        self.name = name
        self.env = types.SimpleNamespace(uid=2, groups={"admin"}, context={})
        self.models = {cls.name: cls(self) for cls in MODELS}
        fill(self)

    def now(self):
        return f"{datetime.datetime.now(datetime.timezone.utc):%Y-%m-%d %H:%M:%S}"

    def snapshot(self):
        return {name: (copy.deepcopy(m.records), m.last_id) for name, m in self.models.items()}

    def restore(self, snapshot):
        for name, (records, last_id) in snapshot.items():
            self.models[name].records, self.models[name].last_id = records, last_id


class Marshaller(xmlrpc.client.Marshaller):
    """Odoo drops control characters, and knows no None."""

    dispatch = dict(xmlrpc.client.Marshaller.dispatch)

    def dump_text(self, value, write):
        self.dump_unicode(value.translate(CONTROL_CHARACTERS), write)

    dispatch[str] = dump_text


def dumps(value):
    """A methodResponse; TypeError for None, as in Odoo."""
    body = Marshaller("utf-8", False).dumps(value if isinstance(value, xmlrpc.client.Fault) else (value,))
    return f"<?xml version='1.0'?>\n<methodResponse>\n{body}</methodResponse>\n".encode()


def traceback_of(error):
    """As Odoo sends it, frames and paths included."""
    frames = "".join(f'  File "/opt/odoo/server.py", line {i}, in dispatch\n    result = call()\n' for i in (1, 2, 3))
    last = "".join(traceback.format_exception_only(type(error), error))
    return f"Traceback (most recent call last):\n{frames}{last}"


def fault_of(error):
    """Odoo's codes: 1 anything, 2 a person's mistake, 3 the login, 4 the rights."""
    if isinstance(error, UserError):
        return xmlrpc.client.Fault(2, str(error))
    if isinstance(error, AccessDenied):
        return xmlrpc.client.Fault(3, "Access Denied")
    if isinstance(error, AccessError):
        return xmlrpc.client.Fault(4, str(error))
    return xmlrpc.client.Fault(1, traceback_of(error))


class Odoo(Standin):
    title = "Odoo"

    def __init__(self, options=None):
        super().__init__(options)
        self.database = Database(options.db if options else "demo")

    @classmethod
    def add_options(cls, parser):
        parser.add_argument("--db", default="demo", help="name of the database")

    def error_in_200(self):
        return dumps(fault_of(RuntimeError("/opt/odoo/secret/path.py broke"))).decode()

    def not_found(self, request):
        text = "The requested URL was not found on the server. If you entered the URL manually please check your spelling and try again."
        return Answer(404, PAGE.format("404 Not Found", text), {"Content-Type": "text/html; charset=utf-8", "Connection": "close"})

    @route("GET", r"/xmlrpc/2/\w+")
    def get(self, request):
        text = "The method is not allowed for the requested URL."
        return Answer(405, PAGE.format("405 Method Not Allowed", text), {"Content-Type": "text/html; charset=utf-8", "Connection": "close"})

    @route("POST", r"/xmlrpc/2/(\w+)")
    def rpc(self, request, service):
        try:
            params, method = xmlrpc.client.loads(request.body, use_builtin_types=True)
            return Answer(200, dumps(self.dispatch(service, method, params)), XML)
        except Exception as error:  # whatever it is, Odoo makes a fault of it
            return Answer(200, dumps(fault_of(error)), XML)

    def dispatch(self, service, method, params):
        services = {"common": {"version": self.version, "authenticate": self.authenticate}, "object": {"execute_kw": self.execute_kw, "execute": self.execute}, "db": {"list": lambda: [self.database.name], "server_version": lambda: self.version()["server_version"]}}
        if method not in services[service]:
            raise NameError(f"Method not available {method}") if service == "object" else Exception(f"Method not found: {method}")
        return services[service][method](*params)

    def version(self):
        return {"server_version": "17.0-20240709", "server_version_info": [17, 0, 0, "final", 0, ""], "server_serie": "17.0", "protocol_version": 1}

    def check_database(self, db):
        if db != self.database.name:
            raise OperationalError(f'connection to server on socket "/var/run/postgresql/.s.PGSQL.5432" failed: FATAL:  database "{db}" does not exist\n')

    def authenticate(self, db, login, password, user_agent_env):
        self.check_database(db)
        for uid, (_, logins, expected, keys, _) in USERS.items():
            if login in logins and self.database.models["res.users"].records[uid]["active"]:
                return uid if password in ([expected] if expected else []) + keys else False
        return False

    def check_login(self, uid, password):
        if uid not in USERS:
            raise MissingError("res.users", [uid], uid)
        _, _, expected, keys, groups = USERS[uid]
        if password not in ([expected] if expected else []) + keys or not self.database.models["res.users"].records[uid]["active"]:
            raise AccessDenied()
        return groups

    def execute(self, db, uid, password, obj, method, *args):
        return self.execute_kw(db, uid, password, obj, method, args)

    def execute_kw(self, db, uid, password, obj, method, args, kw=None):
        self.check_database(db)
        groups = self.check_login(uid, password)
        model = self.database.models.get(obj)
        if model is None:
            raise UserError(f"Object {obj} doesn't exist")
        if method.startswith("_"):
            raise AccessError(f"Private methods (such as {method}) cannot be called remotely.")
        called = getattr(model, method, None)
        if not callable(called):
            raise AttributeError(f"The method {method!r} does not exist on the model {obj!r}")
        kw = dict(kw or {})
        self.database.env = types.SimpleNamespace(uid=uid, groups=groups, context=kw.pop("context", {}))
        before = None if method.startswith(READS) else self.database.snapshot()
        try:
            return called(*args, **kw)
        except Exception:
            if before:
                self.database.restore(before)
            raise


if __name__ == "__main__":
    sys.setrecursionlimit(5000)
    main(Odoo)
