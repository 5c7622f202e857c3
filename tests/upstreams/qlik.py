"""A stand-in of Qlik Cloud: one tenant with spaces, apps, files and a model, and reloads that take their time.

Tokens: `demo-token` (Ana), `other-token` (Bruno), `demo-service-key` (a key without a person), and with --users N
`token-of-user-1` ... N, each with an app that nobody else sees. Everybody sees the shared spaces; what is in a personal space
only its owner does. An app with "broken" in its name fails to reload.
"""

import base64
import collections
import json
import secrets
import time
import urllib.parse

from standin import Answer, Standin, Stop, main, route

TENANT = "xqGQ0k66vSR8f9G7J-vYtHZQkiYrCpct"
DAY = "2026-11-20T10:00:00.000Z"
RUNNING = ("QUEUED", "RELOADING", "CANCELING")


def stamp(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{int(seconds * 1000) % 1000:03d}Z"


def failure(status, code, title, detail=None, headers=None):
    error = {"code": code, "title": title} | ({"detail": detail} if detail else {})
    return Answer(status, {"errors": [error]}, {"X-B3-Traceid": secrets.token_hex(8)} | (headers or {}))


def user(id, name, role="AnalyticsAdmin"):
    return {
        "id": id, "name": name, "subject": f"auth0|{id}", "tenantId": TENANT, "status": "active", "locale": "en-US",
        "email": f"{name.split()[0].lower()}@example.com", "zoneinfo": "America/Sao_Paulo",
        "assignedRoles": [{"id": "507f191e810c19729de860ea", "name": role, "type": "default", "level": "user"}],
    }


def field(name, tables, cardinal, numeric=False, **more):
    return {
        "name": name, "src_tables": tables, "cardinal": cardinal, "total_count": cardinal * 40, "is_numeric": numeric, "is_system": False,
        "is_hidden": False, "tags": ["$numeric"] if numeric else ["$ascii", "$text"], "comment": "",
    } | more


SALES = {
    "tables": [
        {"name": "Orders", "no_of_rows": 48210, "no_of_fields": 4, "no_of_key_fields": 1, "is_system": False, "comment": ""},
        {"name": "Regions", "no_of_rows": 12, "no_of_fields": 2, "no_of_key_fields": 1, "is_system": False, "comment": "from Regions.csv"},
        {"name": "__tables", "no_of_rows": 1, "no_of_fields": 1, "no_of_key_fields": 0, "is_system": True},
    ],
    "fields": [
        field("OrderID", ["Orders"], 48210), field("RegionID", ["Orders", "Regions"], 12), field("Amount", ["Orders"], 9100, True),
        field("OrderDate", ["Orders"], 730, True), field("Region", ["Regions"], 12), field("$Table", [], 3, is_system=True),
    ],
    "reload_meta": {"cpu_time_spent_ms": 912, "peak_memory_bytes": 81264640},
    "static_byte_size": 5242880, "has_section_access": False, "is_direct_query_mode": False,
}


class Reload:
    def __init__(self, app, who, partial, seconds):
        self.id = secrets.token_hex(12)
        self.app, self.who, self.partial, self.seconds = app, who, partial, seconds
        self.created = time.time()

    def status(self):
        passed = time.time() - self.created
        if passed < self.seconds * 0.3:
            return "QUEUED"
        if passed < self.seconds:
            return "RELOADING"
        return "FAILED" if "broken" in self.app["name"].lower() else "SUCCEEDED"

    def shown(self):
        status = self.status()
        about = {
            "id": self.id, "appId": self.app["id"], "tenantId": TENANT, "userId": self.who["id"], "type": "external", "status": status,
            "partial": self.partial, "creationTime": stamp(self.created), "log": f"ReloadID: {self.id}\nStarted loading\n",
        }
        if status != "QUEUED":
            about["startTime"] = stamp(self.created + self.seconds * 0.3)
        if status not in RUNNING:
            about["endTime"] = stamp(self.created + self.seconds)
        if status == "SUCCEEDED":
            about |= {"engineTime": about["endTime"], "log": about["log"] + "App saved\nFinished successfully\n"}
        if status == "FAILED":
            about |= {"errorCode": "EngineFault", "errorMessage": "failed to complete reload: script error"}
            about["log"] += "Orders << Orders.qvd 0 Lines fetched\nError: Cannot open file: 'lib://Warehouse/Orders.qvd'\nExecution Failed\nExecution finished.\n"
        return about


class Qlik(Standin):
    title = "Qlik Cloud"

    @classmethod
    def add_options(cls, parser):
        parser.add_argument("--reload-seconds", type=float, default=3.0, help="how long a reload takes")
        parser.add_argument("--reads-per-minute", type=int, default=1000)
        parser.add_argument("--writes-per-minute", type=int, default=100)
        parser.add_argument("--users", type=int, default=0, help="more users, each with an app of their own")

    def __init__(self, options):
        super().__init__(options)
        self.users = {"demo-token": user("ana-1", "Ana Souza"), "other-token": user("bruno-2", "Bruno Lima"), "demo-service-key": user("svc-9", "Reporting service")}
        self.spaces = [self.space("sp-sales", "Sales", "shared"), self.space("sp-finance", "Finance", "managed"), self.space("sp-data", "Warehouse files", "data")]
        self.apps, self.reloads = [], []
        self.seen = collections.defaultdict(collections.deque)
        for name, space in (("Sales overview", "sp-sales"), ("Support tickets", "sp-sales"), ("Stock (broken source)", "sp-sales"), ("Budget 2026", "sp-finance")):
            self.add_app(name, "ana-1", space)
        self.add_app("Ana's draft", "ana-1")
        self.add_app("Bruno's notes", "bruno-2")
        for n in range(1, options.users + 1):
            self.users[f"token-of-user-{n}"] = user(f"user-{n}", f"User{n} Test")
            self.add_app(f"App of user {n}", f"user-{n}")
        self.files = [self.file(n) for n in range(1, 46)]

    def space(self, id, name, kind):
        links = {"self": {"href": f"/api/v1/spaces/{id}"}, "assignments": {"href": f"/api/v1/spaces/{id}/assignments"}}
        return {"id": id, "name": name, "type": kind, "description": f"{name} of the company", "ownerId": "ana-1", "tenantId": TENANT, "updatedAt": DAY, "links": links, "meta": {"roles": ["consumer"], "actions": ["read"], "assignableRoles": []}}

    def add_app(self, name, owner, space=None):
        id = f"{len(self.apps) + 1:08x}-7fb9-4983-8e23-5ccd8c508722"
        self.apps.append({"id": id, "name": name, "owner": owner, "space": space, "changed": time.time() - 3600 * len(self.apps)})

    def file(self, n):
        space = "sp-data" if n > 40 else None
        return {"id": f"ee6a390c-5d33-11e8-9c2d-{n:012x}", "name": f"Orders-{n}.csv", "baseName": f"Orders-{n}.csv", "size": 1024 * n, "ownerId": "ana-1", "spaceId": space, "actions": ["read"], "createdDate": DAY, "modifiedDate": DAY, "folder": False, "folderStats": {}}

    # What all routes share

    def before(self, request):
        who = self.users.get(request.bearer())
        if who is None:
            raise Stop(**vars(failure(401, "AUTH-1", "Unauthorized", "The access token is invalid or has expired.")))
        request.who = who
        self.limit(request, "reads" if request.method == "GET" else "writes")

    def limit(self, request, tier):
        allowed = getattr(self.options, f"{tier}_per_minute")
        times, now = self.seen[request.who["id"], tier], time.time()
        while times and times[0] < now - 60:
            times.popleft()
        if len(times) >= allowed:
            raise Stop(**vars(failure(429, "HTTP-429", "Too many requests", headers={"retry-after": str(int(61 - now + times[0]))})))
        times.append(now)

    def not_found(self, request):
        return failure(404, "HTTP-404", "Not found")

    def error_in_200(self):
        return {"errors": [{"code": "SVC-7", "title": "Service unavailable", "detail": "The engine is restarting."}]}

    def sees(self, request, app):
        return app["space"] is not None or app["owner"] == request.who["id"]

    def app(self, request, id):
        for app in self.apps:
            if app["id"] == id and self.sees(request, app):
                return app
        raise Stop(**vars(failure(404, "APPS-404", "Resource not found", f"App '{id}' not found.")))

    def page(self, request, rows, cursor_name="next", default=10, most=100):
        """A page of rows, and the address of the next one: the cursor is bound to the question it belongs to."""
        asked = {k: v for k, v in request.query.items() if k not in (cursor_name, "limit")}
        try:
            limit = int(request.query.get("limit", default))
            cursor = json.loads(base64.urlsafe_b64decode(request.query[cursor_name])) if cursor_name in request.query else {"at": 0, "of": asked}
        except ValueError:
            raise Stop(**vars(failure(400, "REST-400", "Invalid request", "Cursor or limit not formatted correctly.")))
        if not 1 <= limit <= most or cursor["of"] != asked:
            raise Stop(**vars(failure(400, "REST-400", "Invalid request", f"limit must be 1 to {most}, and the cursor one of this list.")))
        at = cursor["at"]
        links = {"self": {"href": self.url + request.path}, "prev": {"href": None}, "next": {"href": None}}
        if at + limit < len(rows):
            token = base64.urlsafe_b64encode(json.dumps({"at": at + limit, "of": asked}).encode()).decode()
            links["next"]["href"] = f"{self.url}{request.path}?{urllib.parse.urlencode({**asked, 'limit': limit, cursor_name: token})}"
        links = {k: v for k, v in links.items() if v["href"]} if cursor_name == "next" else links
        return Answer(200, {"data": rows[at : at + limit], "links": links})

    # Items, apps, spaces, files

    @route("GET", "/api/v1/items")
    def items(self, request):
        rows = [self.item(app) for app in self.apps if self.sees(request, app)]
        rows.append(self.item({"id": "5f1e-deployment", "name": "Churn model", "owner": "ana-1", "space": "sp-sales", "changed": 0}, "automl-deployment"))
        q = request.query
        if "resourceType" in q:
            rows = [r for r in rows if r["resourceType"] == q["resourceType"]]
        if "spaceId" in q:
            rows = [r for r in rows if r.get("spaceId", "personal") == q["spaceId"]]
        for word in ("name", "query"):
            rows = [r for r in rows if q.get(word, "").lower() in r["name"].lower()]
        return self.page(request, rows)

    def item(self, app, kind="app"):
        changed = stamp(app["changed"])
        about = {
            "id": f"item-{app['id']}", "name": app["name"], "resourceType": kind, "resourceId": app["id"], "ownerId": app["owner"],
            "tenantId": TENANT, "createdAt": changed, "updatedAt": changed, "resourceCreatedAt": changed, "resourceUpdatedAt": changed,
            "isFavorited": False, "actions": [], "collectionIds": [], "links": {}, "meta": {}, "resourceAttributes": {}, "resourceCustomAttributes": {},
            "description": f"{app['name']}, for everybody who asks.",
        }
        return about | ({"spaceId": app["space"]} if app["space"] else {})

    @route("GET", "/api/v1/apps/([^/]+)")
    def get_app(self, request, id):
        app = self.app(request, id)
        about = {"id": id, "name": app["name"], "description": "", "ownerId": app["owner"], "published": app["space"] == "sp-finance", "createdDate": DAY, "modifiedDate": stamp(app["changed"]), "lastReloadTime": DAY, "hasSectionAccess": False}
        return Answer(200, {"attributes": about, "privileges": ["read", "update", "reload"], "create": []})

    @route("GET", "/api/v1/apps/([^/]+)/data/metadata")
    def metadata(self, request, id):
        return Answer(200, SALES if self.app(request, id)["name"].startswith("Sales") else {"tables": [], "fields": []})

    @route("GET", "/api/v1/spaces")
    def list_spaces(self, request):
        q = request.query
        return self.page(request, [s for s in self.spaces if q.get("name", "").lower() in s["name"].lower() and s["type"] == q.get("type", s["type"])])

    @route("GET", "/api/v1/data-files")
    def data_files(self, request):
        everywhere = request.query.get("includeAllSpaces") == "true"
        return self.page(request, [f for f in self.files if everywhere or f["spaceId"] is None], "page", 20, 1000)

    # Reloads

    @route("POST", "/api/v1/reloads")
    def start_reload(self, request):
        body = request.json or {}
        app = self.app(request, body.get("appId"))
        if any(r.app is app and r.status() in RUNNING for r in self.reloads):
            return failure(429, "RELOADS-009", "Too many requests", "A pending reload request already exists for this app.")
        self.reloads.append(Reload(app, request.who, bool(body.get("partial")), self.options.reload_seconds))
        return Answer(201, self.reloads[-1].shown())

    @route("GET", "/api/v1/reloads/([^/]+)")
    def get_reload(self, request, id):
        for reload in self.reloads:
            if reload.id == id and self.sees(request, reload.app):
                return Answer(200, reload.shown())
        return failure(404, "RELOADS-004", "Not found", f"Reload '{id}' not found.")

    @route("GET", "/api/v1/reloads")
    def list_reloads(self, request):
        app = self.app(request, request.query.get("appId"))
        rows = [r.shown() for r in reversed(self.reloads) if r.app is app]
        wanted = request.query.get("filter")
        return self.page(request, [r for r in rows if not wanted or wanted == f'status eq "{r["status"]}"'])

    # Insight Advisor and predictions

    @route("POST", "/api/v1/questions/actions/ask")
    def ask(self, request):
        body = request.json or {}
        if not body.get("text"):
            return failure(400, "NL-400", "Bad request", "text is required.")
        if "app" not in body:
            fits = [{"id": a["id"], "name": a["name"]} for a in self.apps if self.sees(request, a)][:3]
            return Answer(200, {"apps": fits, "conversationalResponse": {"responses": [{"infoType": "text", "type": "info", "sentence": {"text": "Which app do you mean?"}}], "apps": fits}})
        app = self.app(request, body["app"]["id"])
        parts = [
            {"type": "nl", "sentence": {"text": f"{app['name']}: {body['text']}"}},
            {"type": "narrative", "narrative": {"text": "Region South leads with 41% of Amount."}},
            {"type": "values", "infoValues": [["South 41%", "North 33%"]]},
            {"type": "followup", "followupSentence": "show Amount by OrderDate"},
        ]
        return Answer(201, {"conversationalResponse": [{"apps": [{"id": app["id"], "name": app["name"]}], "responses": parts}]})

    @route("POST", "/api/v1/apps/([^/]+)/insight-analyses/actions/recommend")
    def recommend(self, request, id):
        self.app(request, id)
        cube = {"qDimensions": [{"qDef": {"qFieldDefs": ["Region"]}}], "qMeasures": [{"qDef": {"qDef": "Sum(Amount)", "qLabel": "Amount"}}]}
        titles = [("Amount by Region", "rank", "barchart"), ("Amount over OrderDate", "trend", "linechart"), ("Amount", "fact", "kpi")]
        analyses = [{"analysis": {"title": t, "analysis": a, "analysisGroup": "rank"}, "chartType": c, "relevance": 1 - i / 4, "options": {"qHyperCubeDef": cube}} for i, (t, a, c) in enumerate(titles)]
        understood = [{"text": "sales", "type": "field", "fieldName": "Amount", "role": "measure"}, {"text": "region", "type": "field", "fieldName": "Region", "role": "dimension"}]
        return Answer(200, {"data": {"nluInfo": understood, "recAnalyses": analyses}})

    @route("POST", "/api/v1/ml/deployments/([^/]+)/realtime-predictions/actions/run")
    def predict(self, request, id):
        if id != "5f1e-deployment":
            return failure(404, "AML-404", "Not found", f"Deployment '{id}' not found.")
        body = request.json or {}
        names = [c["name"] for c in body.get("schema", [])]
        if "age" not in names:
            return failure(400, "AML-104", "Invalid input", "The feature 'age' is missing.")
        rows = []
        for row in body["rows"]:
            age = row[names.index("age")]
            rows.append([None, None, "missing feature age"] if age is None else ["yes" if float(age) > 40 else "no", 0.82, None])
        schema = [{"name": "churn_predicted", "type": "categorical"}, {"name": "churn_yes", "type": "numeric"}, {"name": "not_predicted_reason", "type": "categorical"}]
        return Answer(200, {"data": {"type": "realtime-prediction", "attributes": {"schema": schema, "rows": rows}}})

    # Users

    @route("GET", "/api/v1/users/me")
    def me(self, request):
        return Answer(301, None, {"Location": f"{self.url}/api/v1/users/{request.who['id']}", "Content-Type": "text/html"})

    @route("GET", "/api/v1/users/([^/]+)")
    def get_user(self, request, id):
        for who in self.users.values():
            if who["id"] == id:
                return Answer(200, who)
        return failure(404, "USERS-404", "Not found", "The user does not exist.")


if __name__ == "__main__":
    main(Qlik)
