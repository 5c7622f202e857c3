"""The part of Odoo's ORM that its XML-RPC clients use, over records in memory: domains, reads, groups, writes, rights.

Errors are raised as Odoo raises them; odoo.py turns them into faults. What is not here (computed fields, onchanges, record
rules, translations) is not pretended: a method that is missing is an AttributeError, as an unknown one is in Odoo.
"""

import calendar
import copy
import datetime
import html
import itertools
import re


class UserError(Exception):
    """Fault 2: what a person did wrong."""


class MissingError(UserError):
    def __init__(self, model, ids, uid):
        listed = ", ".join(map(str, ids)) + ("," if len(ids) == 1 else "")
        super().__init__(f"Record does not exist or has been deleted.\n(Record: {model}({listed}), User: {uid})")


class AccessDenied(Exception):
    """Fault 3."""


class AccessError(Exception):
    """Fault 4."""


def field(type, label, **more):
    return {"type": type, "string": label, "required": False, "readonly": False} | more


EVERY_MODEL = {
    "id": field("integer", "ID", readonly=True),
    "display_name": field("char", "Display Name", readonly=True),
    "create_date": field("datetime", "Created on", readonly=True),
    "write_date": field("datetime", "Last Updated on", readonly=True),
}
NUMBERS = ("integer", "float", "monetary")
LISTS = ("one2many", "many2many")


class Model:
    """A kind of record. Methods without an underscore are what execute_kw can call; `self.env` is who asks."""

    name = ""
    title = ""
    fields = {}
    writers = readers = None  # groups; None: everybody inside
    kept_messages = False

    def __init__(self, database):
        self.database = database
        self.fields = EVERY_MODEL | self.fields
        self.records = {}
        self.last_id = 0

    # Rights

    def _check(self, verb, groups):
        env = self.database.env
        if "admin" in env.groups or (groups is None and "user" in env.groups) or (groups and env.groups & set(groups)):
            return
        listed = "".join(f"\n\t- {g}" for g in (groups or ("User types/Internal User",)))
        raise AccessError(
            f"You are not allowed to {verb} '{self.title}' ({self.name}) records.\n\n"
            f"This operation is allowed for the following groups:{listed}\n\nContact your administrator to request access if necessary."
        )

    def _may_read(self):
        self._check("access", self.readers)

    def _existing(self, ids):
        ids = [ids] if isinstance(ids, int) else ids
        missing = [i for i in ids if i not in self.records]
        if missing:
            raise MissingError(self.name, missing, self.database.env.uid)
        return ids

    # Values

    def _field(self, name, leaf=None):
        if name not in self.fields:
            where = f"Invalid field {self.name}.{name} in leaf {leaf!r}" if leaf else f"Invalid field {name!r} on model {self.name!r}"
            raise ValueError(where)
        return self.fields[name]

    def _value(self, record, name):
        """As it is kept: a many2one is an id, an empty one False."""
        if name == "display_name":
            return self._display_name(record)
        return record.get(name, [] if self.fields[name]["type"] in LISTS else False)

    def _display_name(self, record):
        return record.get("name") or f"{self.name},{record['id']}"

    def _other(self, name):
        return self.database.models[self.fields[name]["relation"]]

    def _named(self, name, id):
        return [id, self._other(name)._display_name(self._other(name).records[id])] if id else False

    def _classic(self, record, name):
        """As read() gives it."""
        value, kind = self._value(record, name), self._field(name)["type"]
        if kind == "many2one" and value:
            return self._named(name, value)
        if kind == "binary" and value and self.database.env.context.get("bin_size"):
            return f"{len(value) * 3 / 4 / 1024:.2f} Kb"
        return list(value) if kind in LISTS else value

    # Domains

    def _matches(self, record, domain):
        domain = [tuple(t) if isinstance(t, list) else t for t in domain]
        expected, normal = 1, []
        for token in domain:
            if expected == 0:
                normal.insert(0, "&")
                expected = 1
            expected += {"&": 1, "|": 1, "!": 0}[token] if isinstance(token, str) else -1
            normal.append(token)
        assert expected == 0 or not domain, f"Domain {domain!r} is not well formed"
        stack = []
        for token in reversed(normal):
            if token == "!":
                stack.append(not stack.pop())
            elif token in ("&", "|"):
                a, b = stack.pop(), stack.pop()
                stack.append((a and b) if token == "&" else (a or b))
            else:
                stack.append(self._leaf(record, token))
        return all(stack)

    def _leaf(self, record, leaf):
        left, operator, right = leaf
        if left in (0, 1):
            return left == right
        head, _, rest = left.partition(".")
        self._field(head, leaf)
        if rest:
            ids = self._value(record, head) or []
            other = self._other(head)
            return any(other._leaf(other.records[i], (rest, operator, right)) for i in (ids if isinstance(ids, list) else [ids]))
        return self._compare(record, head, operator, right, leaf)

    def _compare(self, record, name, operator, right, leaf):
        value, kind = self._value(record, name), self.fields[name]["type"]
        right = False if right is None else right
        if operator in ("any", "not any"):
            other = self._other(name)
            found = any(other._matches(other.records[i], right) for i in (value if isinstance(value, list) else [value] if value else []))
            return found == (operator == "any")
        if operator in ("child_of", "parent_of"):
            return self._related(record, name, operator, right)
        if operator == "=?":
            return right is False or value == right
        if kind in ("many2one", *LISTS) and isinstance(right, str):
            names = [self._other(name)._display_name(self._other(name).records[i]) for i in (value if isinstance(value, list) else [value] if value else [])]
            return any(compare(n, "ilike" if operator == "=" else operator, right, leaf) for n in names) or (operator.startswith("not ") and not names)
        if kind in LISTS:
            wanted = right if isinstance(right, list) else [right] if right else []
            found = bool(set(value) & set(wanted)) if wanted else not value
            return found == (operator in ("=", "in"))
        return compare(value, operator, right, leaf)

    def _related(self, record, name, operator, right):
        wanted = right if isinstance(right, list) else [right]
        start = record["id"] if name == "id" else self._value(record, name)
        if operator == "parent_of":
            return any(start in self._ancestors(i) for i in wanted)
        return bool(set(self._ancestors(start)) & set(wanted)) if start else False

    def _ancestors(self, id):
        found = []
        while id and id not in found:
            found.append(id)
            id = self.records[id].get("parent_id") if id in self.records else None
        return found

    def _search(self, domain, offset=0, limit=None, order=None):
        self._may_read()
        active = "active" in self.fields and self.database.env.context.get("active_test", True)
        if active and not any(isinstance(t, (list, tuple)) and t[0] == "active" for t in domain):
            domain = [*domain, ["active", "=", True]]
        if not self.records and domain:
            self._matches({"id": 0}, domain)
        found = [r for r in self.records.values() if self._matches(r, domain)]
        for part in reversed((order or "id").split(",")):
            name, _, direction = part.strip().partition(" ")
            self._field(name)
            found.sort(key=lambda r: (self._value(r, name) is False, str(self._classic(r, name)[1]) if isinstance(self._classic(r, name), list) and self._classic(r, name) else self._value(r, name) or 0), reverse=direction.strip().lower() == "desc")
        return found[offset:][:limit] if limit else found[offset:]

    # What clients call

    def search(self, domain, offset=0, limit=None, order=None):
        return [r["id"] for r in self._search(domain, offset, limit, order)]

    def search_count(self, domain, limit=None):
        return len(self._search(domain, 0, limit))

    def search_read(self, domain=None, fields=None, offset=0, limit=None, order=None):
        return self._read(self._search(domain or [], offset, limit, order), fields)

    def read(self, ids, fields=None, load="_classic_read"):
        self._may_read()
        ids = [ids] if isinstance(ids, int) else ids
        return self._read([self.records[i] for i in ids if i in self.records], fields)

    def _read(self, records, fields):
        names = fields or [n for n in self.fields]
        for name in names:
            self._field(name)
        return [{"id": r["id"]} | {n: self._classic(r, n) for n in names} for r in records]

    def name_search(self, name="", args=None, operator="ilike", limit=100):
        found = self._search([*(args or []), ["display_name", operator, name]], 0, limit)
        return [[r["id"], self._display_name(r)] for r in found]

    def fields_get(self, allfields=None, attributes=None):
        self._may_read()
        names = [n for n in self.fields if not allfields or n in allfields]
        return {n: {k: v for k, v in self.fields[n].items() if k != "default" and (not attributes or k in attributes)} for n in names}

    def default_get(self, fields_list):
        return {n: self.fields[n]["default"] for n in fields_list if "default" in self.fields.get(n, {})}

    def check_access_rights(self, operation, raise_exception=True):
        try:
            self._check(operation, self.readers if operation == "read" else self.writers)
        except AccessError:
            if raise_exception:
                raise
            return False
        return True

    def create(self, vals_list):
        many = isinstance(vals_list, list)
        self._check("create", self.writers)
        ids = [self._create(vals) for vals in (vals_list if many else [vals_list])]
        return ids if many else ids[0]

    def _create(self, values):
        self.last_id += 1
        now = self.database.now()
        record = {"id": self.last_id, "create_date": now, "write_date": now}
        record |= {n: copy.copy(f["default"]) for n, f in self.fields.items() if "default" in f}
        self.records[self.last_id] = record
        self._set(record, values)
        self._check_required(record)
        self._changed(record)
        return record["id"]

    def _check_required(self, record):
        for name, about in self.fields.items():
            if about["required"] and self._value(record, name) in (False, ""):
                raise UserError(
                    "The operation cannot be completed:\n- Create/update: a mandatory field is not set.\n- Delete: another model requires the "
                    f"record being deleted. If possible, archive it instead.\n\nModel: {self.title} ({self.name})\nField: {about['string']} ({name})\n"
                )

    def _set(self, record, values):
        for name, value in values.items():
            about = self._field(name)
            if about["type"] in LISTS:
                self._set_list(record, name, value)
                continue
            value = False if value is None else value
            if about["type"] == "selection" and value is not False and value not in [v for v, _ in about["selection"]]:
                raise ValueError(f"Wrong value for {self.name}.{name}: {value!r}")
            if about["type"] == "many2one" and value:
                self._other(name)._existing([value])
            if about["type"] in ("date", "datetime") and value:
                datetime.datetime.strptime(value, "%Y-%m-%d" if about["type"] == "date" else "%Y-%m-%d %H:%M:%S")
            if about["type"] in NUMBERS and value is not False:
                value = float(value) if about["type"] != "integer" else int(value)
            if about["type"] == "html" and value and not value.lstrip().startswith("<"):
                value = f"<p>{html.escape(value, quote=False)}</p>"
            record[name] = value

    def _set_list(self, record, name, commands):
        """Odoo's commands: [0,0,values] creates, 1 updates, 2 deletes, 3 unlinks, 4 links, 5 clears, 6 sets."""
        ids, other = record.setdefault(name, []), self._other(name)
        if commands and not isinstance(commands[0], list):
            commands = [[6, 0, commands]]
        for command in commands or [[5]]:
            code = command[0]
            if code == 0:
                ids.append(other._create(command[2] | ({self.fields[name]["inverse"]: record["id"]} if "inverse" in self.fields[name] else {})))
            elif code == 1:
                other.write([command[1]], command[2])
            elif code in (2, 3):
                ids.remove(command[1])
                if code == 2:
                    del other.records[command[1]]
            elif code == 4:
                ids.append(other._existing([command[1]])[0])
            else:
                ids[:] = other._existing(command[2]) if code == 6 else []

    def _changed(self, record):
        """What Odoo would compute."""

    def write(self, ids, vals):
        self._check("modify", self.writers)
        for id in self._existing(ids):
            self._set(self.records[id], vals)
            self.records[id]["write_date"] = self.database.now()
            self._check_required(self.records[id])
            self._changed(self.records[id])
        return True

    def unlink(self, ids):
        self._check("delete", self.writers)
        for id in self._existing(ids):
            self._before_unlink(self.records[id])
            del self.records[id]
        return True

    def _before_unlink(self, record):
        """Raises a UserError where the record must stay."""

    def toggle_active(self, ids):
        for id in self._existing(ids):
            self.records[id]["active"] = not self.records[id].get("active", True)

    def action_archive(self, ids):
        return self.write(ids, {"active": False})

    def message_post(self, ids, body="", message_type="notification", subtype_xmlid=None, body_is_html=False, **more):
        if not self.kept_messages:
            raise AttributeError(f"The method 'message_post' does not exist on the model {self.name!r}")
        ids = self._existing(ids)
        note = subtype_xmlid != "mail.mt_comment"
        vals = {"model": self.name, "res_id": ids[0], "body": body if body_is_html else f"<p>{html.escape(body, quote=False)}</p>", "message_type": message_type, "is_internal": note}
        return self.database.models["mail.message"]._create(vals)

    # Groups

    def read_group(self, domain, fields, groupby, offset=0, limit=None, orderby=False, lazy=True):
        groupby = [groupby] if isinstance(groupby, str) else groupby
        used = groupby[:1] if lazy else groupby
        groups = {}
        for record in self._search(domain):
            for key in itertools.product(*(self._buckets(record, spec) for spec in used)):
                groups.setdefault(key, []).append(record)
        rows = [self._group_row(domain, used, key, records, fields, lazy) for key, records in groups.items()]
        for part in reversed((orderby or ",".join(used)).split(",")):
            name, _, direction = part.strip().partition(" ")
            rows.sort(key=lambda row: (row.get(name) is False, sortable(row, name)), reverse=direction.strip().lower() == "desc")
        return rows[offset:][:limit] if limit else rows[offset:]

    def _buckets(self, record, spec):
        """More than one for a record with several tags."""
        name, _, period = spec.partition(":")
        about, value = self._field(name), self._value(record, name)
        if isinstance(value, list):
            return value or [False]
        if about["type"] not in ("date", "datetime") or not value:
            return [value]
        return [period_start(datetime.date.fromisoformat(value[:10]), period or "month")]

    def _group_row(self, domain, used, key, records, fields, lazy):
        row, terms, ranges = {}, [], {}
        for spec, bucket in zip(used, key):
            name, _, period = spec.partition(":")
            if isinstance(bucket, datetime.date):
                after = period_end(bucket, period or "month")
                time = " 00:00:00" if self.fields[name]["type"] == "datetime" else ""
                row[spec] = period_label(bucket, period or "month")
                ranges[spec] = {"from": f"{bucket}{time}", "to": f"{after}{time}"}
                terms += [[name, ">=", f"{bucket}{time}"], [name, "<", f"{after}{time}"]]
            else:
                row[spec] = self._named(name, bucket) if self.fields[name]["type"] in LISTS else self._classic(records[0], name)
                terms.append([name, "=", bucket])
        row[f"{used[0].partition(':')[0]}_count" if lazy and len(used) == 1 else "__count"] = len(records)
        for spec in fields:
            if spec != "__count":
                name, _, function = spec.partition(":")
                self._field(name)
                row[name] = figure([self._value(r, name) for r in records], function or "sum")
        every = [*domain, *terms]
        row["__domain"] = ["&"] * (sum(isinstance(t, list) for t in every) - 1 - sum(t in ("&", "|") for t in every)) + every
        return row | ({"__range": ranges} if ranges else {})


def compare(value, operator, right, leaf):
    if operator in ("=", "!="):
        return (value == right or (right is False and value in (False, ""))) == (operator == "=")
    if operator in ("in", "not in"):
        return (value in (right if isinstance(right, list) else [right])) == (operator == "in")
    if operator in ("<", "<=", ">", ">="):
        if value is False:
            return False
        return {"<": value < right, "<=": value <= right, ">": value > right, ">=": value >= right}[operator]
    if operator in ("like", "ilike", "not like", "not ilike", "=like", "=ilike"):
        text, pattern = str(value or ""), str(right)
        if "ilike" in operator:
            text, pattern = text.lower(), pattern.lower()
        if operator.startswith("="):
            return re.fullmatch("".join({"%": ".*", "_": "."}.get(c, re.escape(c)) for c in pattern), text, re.S) is not None
        return (pattern in text) != operator.startswith("not ")
    raise ValueError(f"Invalid leaf {leaf!r}")


def figure(values, function):
    present = [v for v in values if v is not False]
    if function in ("count", "count_distinct"):
        return len(present) if function == "count" else len({str(v) for v in present})
    if function in ("bool_and", "bool_or"):
        return all(values) if function == "bool_and" else any(values)
    if not present:
        return False
    return {"sum": sum, "min": min, "max": max, "avg": lambda v: sum(v) / len(v)}[function](present)


def sortable(row, name):
    value = row.get(name)
    range_ = row.get("__range", {}).get(name)
    if range_:
        return range_["from"]
    return value[1] if isinstance(value, list) else value if value not in (False, None) else 0


def period_start(day, period):
    if period == "week":
        return day - datetime.timedelta(days=day.weekday())
    if period == "year":
        return day.replace(month=1, day=1)
    if period == "quarter":
        return day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1)
    return day.replace(day=1) if period == "month" else day


def period_end(start, period):
    if period in ("day", "hour"):
        return start + datetime.timedelta(days=1)
    if period == "week":
        return start + datetime.timedelta(days=7)
    months = {"month": 1, "quarter": 3, "year": 12}[period]
    month = start.month - 1 + months
    return start.replace(year=start.year + month // 12, month=month % 12 + 1)


def period_label(start, period):
    return {
        "day": f"{start.day:02} {calendar.month_abbr[start.month]} {start.year}",
        "hour": f"{start.day:02} {calendar.month_abbr[start.month]} {start.year}",
        "week": f"W{start.isocalendar()[1]} {start.isocalendar()[0]}",
        "month": f"{calendar.month_name[start.month]} {start.year}",
        "quarter": f"Q{(start.month - 1) // 3 + 1} {start.year}",
        "year": f"{start.year}",
    }[period]
