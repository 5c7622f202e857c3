"""A stand-in of Chatwoot 4.10: accounts, inboxes, agents, teams, contacts, conversations, messages, canned responses and reports.

Written from Chatwoot's source (controllers, finders, jbuilder views) where its OpenAPI file says something else: 401 for
everything that is not allowed, errors as {"error": ..}, labels with commas between them, an unknown assignee that unassigns,
and a priority "none" that it cannot take. Conversations have numbers of their own in each account.

Tokens (TOKENS): an administrator of account 1, an agent of it who sees two inboxes, a user of both accounts, an
administrator of account 2, and an agent bot of account 1.
"""

import re
import time
import uuid

from standin import Answer, Standin, Stop, main, route

DAY = 86_400
ADMIN, AGENT, BOTH, OTHER, BOT = (f"chatwoot-demo-{who}-token-5f3a" for who in ("admin", "agent", "both", "other", "bot"))
TOKENS = {ADMIN: 1, AGENT: 2, BOTH: 3, OTHER: 4, BOT: "bot"}
LABELS = {11: "vip", 12: "devolução"}  # those set up under Settings; conversations may have others
USERS = {
    1: {"name": "Maria Admin", "email": "maria@example.com", "roles": {1: "administrator"}},
    2: {"name": "Rita Agente", "email": "rita@example.com", "roles": {1: "agent"}, "inboxes": {1, 2}},
    3: {"name": "Paulo Both", "email": "paulo@example.com", "roles": {1: "agent", 2: "administrator"}},
    4: {"name": "Olga Other", "email": "olga@example.com", "roles": {2: "administrator"}},
}
ACCOUNTS = {1: "Loja Demo", 2: "Other Shop"}
BOT_MAY = [  # method and path below the account
    ("POST", r"/conversations"),
    ("POST", r"/conversations/\d+/(toggle_status|toggle_priority|custom_attributes|messages|assignments)"),
]
STATUSES = ("open", "resolved", "pending", "snoozed")
PRIORITIES = ("low", "medium", "high", "urgent")
SUMS = ("conversations_count", "incoming_messages_count", "outgoing_messages_count", "resolutions_count")
MEANS = ("avg_first_response_time", "avg_resolution_time")
QUESTIONS = {2: "Vocês têm a cadeira ergonômica em estoque?", 3: "Quero encomendar duas mesas. Quando chegam?"}
HTML_500 = "<!DOCTYPE html><html><head><title>We're sorry, but something went wrong (500)</title></head><body>500</body></html>"
DASHBOARD = "<!DOCTYPE html><html><head><title>Chatwoot</title></head><body><div id='app'></div></body></html>"


def refused(text="You are not authorized to do this action"):
    return Stop(401, {"error": text})


def missing():
    return Stop(404, {"error": "Resource could not be found"})


def invalid(message, *attributes):
    return Stop(422, {"message": message, "attributes": list(attributes)})


class Chatwoot(Standin):
    title = "Chatwoot"

    @classmethod
    def add_options(cls, parser):
        parser.add_argument("--drop-underscores", action="store_true", help="lose api_access_token, as nginx does by default")
        parser.add_argument("--drop-token", action="store_true", help="lose the token however it is called")
        parser.add_argument("--limit", type=int, default=3000, help="requests a minute")
        parser.add_argument("--search-limit", type=int, default=100, help="searches for contacts a minute and account")
        parser.add_argument("--report-limit", type=int, default=100, help="reports a minute and user")

    def __init__(self, options=None):
        super().__init__(options)
        self.started = int(time.time())
        self.last_id = 1000
        self.hits = {}
        self.inboxes, self.teams, self.contacts, self.conversations, self.canned = {}, {}, {}, {}, {}
        self.fill()

    # The demo data.

    def fill(self):
        for id, account, name, channel in [
            (1, 1, "Site", "WebWidget"), (2, 1, "E-mail", "Email"), (3, 1, "API", "Api"), (4, 1, "WhatsApp", "Whatsapp"), (5, 1, "Facebook", "FacebookPage"), (6, 2, "Other site", "WebWidget"),
        ]:
            self.inboxes[id] = {"id": id, "account": account, "name": name, "channel_type": f"Channel::{channel}", "greeting_enabled": id == 1, "working_hours_enabled": False}
        for id, account, name, text, members in [(1, 1, "suporte", "First line", {1, 2}), (2, 1, "vendas", "", {1}), (3, 2, "crew", "", {4})]:
            self.teams[id] = {"id": id, "account": account, "name": name, "description": text, "members": members}
        for id, account, code, text in [(1, 1, "ola", "Olá {{contact.name}}, como posso ajudar?"), (2, 1, "prazo", "O prazo de entrega é de <b>5 dias</b>."), (3, 2, "hi", "Hello from the other shop")]:
            self.canned[id] = {"id": id, "account": account, "short_code": code, "content": text}
        people = [("Ana Souza", "ana@example.com", "+5511999990001"), ("Bruno Lima", "bruno@example.com", "+5511999990002"), ("Carla Dias", "carla@example.com", None)]
        people += [(f"Cliente {n:02d}", f"cliente{n:02d}@example.com", None) for n in range(4, 19)]
        for name, email, phone in people:
            self.add_contact(1, {"name": name, "email": email, "phone_number": phone})
        self.contacts[1]["custom_attributes"] = {"plan": "gold"}
        self.add_contact(2, {"name": "Otto Other", "email": "otto@example.com"})
        self.talk_with_ana()
        for n in range(2, 31):  # more than one page of 25
            conversation = self.add_conversation(1, contact=n if n <= 18 else n - 15, inbox=1 + n % 4)
            self.add_message(conversation, QUESTIONS.get(n, f"Pergunta {n}"), 0)
        self.conversations[1, 20]["status"] = "resolved"
        self.add_message(self.add_conversation(2, contact=19, inbox=6), "A secret of the other shop", 0)

    def talk_with_ana(self):
        conversation = self.add_conversation(1, contact=1, inbox=1, labels=["vip"], assignee=2, team=1, priority="high")
        for n in range(1, 45):
            self.add_message(conversation, f"mensagem {n}", n % 2, user=2)
        self.add_message(conversation, "<p>Bom dia,<br>o pedido <b>S0042</b> n&atilde;o chegou &amp; eu preciso dele.</p><script>alert(1)</script>", 0)
        self.add_message(conversation, "Checar com a expedição", 1, user=2, private=True)
        photo = {"id": 1, "file_type": "image", "data_url": f"{self.url or 'http://localhost'}/rails/active_storage/blobs/signed-secret/foto%20da%20caixa.png?sig=1", "file_size": 2048}
        self.add_message(conversation, "", 0, attachments=[photo])
        self.add_message(conversation, "Conversation was marked as open by Rita Agente", 2)

    def new_id(self):
        self.last_id += 1
        return self.last_id

    def add_contact(self, account, values):
        id = max(self.contacts, default=0) + 1
        self.contacts[id] = {"name": "", "email": None, "phone_number": None, "identifier": None, "custom_attributes": {}, "additional_attributes": {}, "blocked": False} | values | {
            "id": id, "account": account, "links": {}, "created_at": self.started - 90 * DAY, "last_activity_at": self.started - id,
        }
        return self.contacts[id]

    def add_conversation(self, account, contact, inbox, **more):
        id = max((n for a, n in self.conversations if a == account), default=0) + 1
        self.contacts[contact]["links"].setdefault(inbox, str(uuid.uuid4()))
        conversation = {"status": "open", "priority": None, "labels": [], "assignee": None, "team": None, "snoozed_until": None} | more
        conversation |= {"id": id, "account": account, "contact": contact, "inbox": inbox, "messages": [], "created_at": self.started - DAY, "last_activity_at": self.started - DAY + id}
        self.conversations[account, id] = conversation
        return conversation

    def add_message(self, conversation, content, kind, user=None, **more):
        message = {"private": False, "attachments": [], "status": "sent", "content_type": "text"} | more
        message |= {"id": self.new_id(), "content": content, "message_type": kind, "user": user, "created_at": self.started - 3600 + self.last_id}
        conversation["messages"].append(message)
        conversation["last_activity_at"] = max(conversation["last_activity_at"], message["created_at"])
        return message

    # Who asks, and what they may.

    def limited(self, key, limit):
        now = time.time()
        recent = [t for t in self.hits.get(key, []) if t > now - 60]
        self.hits[key] = [*recent, now]
        return len(recent) >= limit

    def before(self, request):
        too_many = Answer(429, "Retry later\n", {"Content-Type": "text/plain"})
        if self.limited("ip", self.options.limit):
            return too_many
        if not request.path.startswith("/api"):
            return Answer(200, DASHBOARD, {"Content-Type": "text/html; charset=utf-8"})
        if request.path == "/api":
            return None
        token = self.token_of(request)
        if account := re.match(r"/api/v1/accounts/(\d+)/contacts/search", request.path):
            if self.limited(("search", account[1]), self.options.search_limit):
                return too_many
        if re.match(r"/api/v2/accounts/\d+/reports", request.path) and self.limited(("reports", token), self.options.report_limit):
            return too_many
        if not token:
            return Answer(401, {"errors": ["You need to sign in or sign up before continuing."]})
        if token not in TOKENS:
            return Answer(401, {"error": "Invalid Access Token"})
        return self.check_account(request, TOKENS[token])

    def token_of(self, request):
        """Rails has hyphens and underscores of a header's name alike."""
        with_underscores = None if self.options.drop_underscores else request.headers.get("api_access_token")
        return None if self.options.drop_token else with_underscores or request.headers.get("api-access-token")

    def check_account(self, request, user):
        self.user = user
        inside = re.fullmatch(r"/api/v\d/accounts/(\d+)(/.*)", request.path)
        if user == "bot" and not (inside and any(m == request.method and re.fullmatch(p, inside[2]) for m, p in BOT_MAY)):
            return Answer(401, {"error": "Access to this endpoint is not authorized for bots"})
        if inside:
            self.account = int(inside[1])
            if self.account not in ACCOUNTS:
                return Answer(404, {"error": "Resource could not be found"})
            self.role = "bot" if user == "bot" else USERS[user]["roles"].get(self.account)
            if self.role is None or (user == "bot" and self.account != 1):
                return Answer(401, {"error": "You are not authorized to access this account"})
        return None

    def not_found(self, request):
        return Answer(404, "<!DOCTYPE html><html><body>The page you were looking for doesn't exist.</body></html>", {"Content-Type": "text/html"})

    def error_in_200(self):
        return {"error": "Something went wrong"}

    def may_see(self, inbox):
        return self.role != "agent" or inbox in USERS[self.user].get("inboxes", self.inboxes)

    def mine(self, table, id):
        """The row of that id in this account; ids of another account are not there."""
        row = table.get(int(id)) if str(id).isdigit() else None
        if row is None or row["account"] != self.account:
            raise missing()
        return row

    def conversation(self, id):
        conversation = self.conversations.get((self.account, int(id)))
        if conversation is None:
            raise missing()
        if not self.may_see(conversation["inbox"]):
            raise refused()
        return conversation

    # How things look (the jbuilder views).

    def user_json(self, id):
        return {"id": id, "name": USERS[id]["name"], "available_name": USERS[id]["name"], "type": "user", "availability_status": "online"}

    def agent_json(self, id):
        user = USERS[id]
        return {"id": id, "account_id": self.account, "availability_status": "online" if id == 1 else "offline", "auto_offline": True, "confirmed": id != 4, "email": user["email"], "available_name": user["name"], "name": user["name"], "role": user["roles"].get(self.account), "thumbnail": ""}

    def team_json(self, team):
        return {"id": team["id"], "name": team["name"], "description": team["description"], "allow_auto_assign": True, "account_id": team["account"], "is_member": self.user in team["members"]}

    def contact_json(self, contact, links=True):
        names = ("id", "name", "email", "phone_number", "identifier", "blocked", "custom_attributes", "additional_attributes", "created_at", "last_activity_at")
        shown = {name: contact[name] for name in names} | {"availability_status": "offline", "thumbnail": ""}
        if links:
            shown["contact_inboxes"] = [{"source_id": s, "inbox": {k: self.inboxes[i][k] for k in ("id", "name", "channel_type")}} for i, s in contact["links"].items()]
        return shown

    def message_json(self, conversation, message):
        shown = {k: v for k, v in message.items() if k not in ("user", "attachments")}
        shown |= {"conversation_id": conversation["id"], "inbox_id": conversation["inbox"], "content_attributes": {}, "source_id": None}
        if message["attachments"]:
            shown["attachments"] = message["attachments"]
        if message["message_type"] == 0:
            shown["sender"] = self.contact_json(self.contacts[conversation["contact"]], links=False) | {"type": "contact"}
        elif message["user"]:
            shown["sender"] = {"id": 1, "name": "Robo", "type": "agent_bot"} if message["user"] == "bot" else self.user_json(message["user"])
        return shown

    def conversation_json(self, conversation):
        talk = [m for m in conversation["messages"] if m["message_type"] != 2]
        meta = {"sender": self.contact_json(self.contacts[conversation["contact"]], links=False), "channel": self.inboxes[conversation["inbox"]]["channel_type"], "hmac_verified": False}
        if conversation["assignee"]:
            meta["assignee"] = self.agent_json(conversation["assignee"])
        if conversation["team"]:
            meta["team"] = self.team_json(self.teams[conversation["team"]])
        return {
            "meta": meta, "id": conversation["id"], "messages": [self.message_json(conversation, m) for m in conversation["messages"][-1:]], "account_id": conversation["account"], "uuid": "u",
            "additional_attributes": {}, "can_reply": conversation["inbox"] != 4, "custom_attributes": {}, "inbox_id": conversation["inbox"], "labels": conversation["labels"], "muted": False,
            "snoozed_until": conversation["snoozed_until"], "status": conversation["status"], "created_at": conversation["created_at"], "timestamp": conversation["last_activity_at"],
            "unread_count": sum(m["message_type"] == 0 for m in conversation["messages"][-1:]), "last_activity_at": conversation["last_activity_at"], "priority": conversation["priority"], "waiting_since": 0,
            "last_non_activity_message": self.message_json(conversation, talk[-1]) if talk else None,
        }

    # Routes.

    @route("GET", "/api")
    def version(self, request):
        return Answer(200, {"version": "4.10.1-demo", "timestamp": "2026-11-20 00:00:00", "queue_services": "ok", "data_services": "ok"})

    @route("GET", "/api/v1/profile")
    def profile(self, request):
        user = USERS[self.user]
        accounts = [{"id": a, "name": ACCOUNTS[a], "status": "active", "role": r, "permissions": [r], "availability": "online"} for a, r in user["roles"].items()]
        return Answer(200, {"id": self.user, "access_token": self.token_of(request), "account_id": accounts[0]["id"], "name": user["name"], "email": user["email"], "pubsub_token": "p", "role": accounts[0]["role"], "type": None, "accounts": accounts})

    @route("GET", r"/api/v1/accounts/\d+/conversations")
    def list_conversations(self, request):
        query = request.query
        if "inbox_id" in query:
            self.mine(self.inboxes, query["inbox_id"])
        found = [c for (a, _), c in self.conversations.items() if a == self.account and self.may_see(c["inbox"])]
        if "inbox_id" in query:
            found = [c for c in found if c["inbox"] == int(query["inbox_id"])]
        if "team_id" in query:
            found = [c for c in found if c["team"] == self.mine(self.teams, query["team_id"])["id"]]
        if labels := [label for label in query.get("labels", "").split(",") if label]:
            found = [c for c in found if set(labels) & set(c["labels"])]
        if "q" in query:
            found = [c for c in found if any(m["message_type"] in (0, 1) and query["q"].lower() in (m["content"] or "").lower() for m in c["messages"])]
        elif query.get("status", "open") != "all":
            found = [c for c in found if c["status"] == query.get("status", "open")]
        kinds = {"me": [c for c in found if c["assignee"] == self.user], "unassigned": [c for c in found if not c["assignee"]], "assigned": [c for c in found if c["assignee"]], "all": found}
        meta = {"mine_count": len(kinds["me"]), "assigned_count": len(kinds["assigned"]), "unassigned_count": len(kinds["unassigned"]), "all_count": len(found)}
        chosen = sorted(kinds.get(query.get("assignee_type"), found), key=lambda c: -c["last_activity_at"])
        start = (int(query.get("page", 1)) - 1) * 25
        return Answer(200, {"data": {"meta": meta, "payload": [self.conversation_json(c) for c in chosen[start : start + 25]]}})

    @route("POST", r"/api/v1/accounts/\d+/conversations")
    def create_conversation(self, request):
        body = request.json or {}
        inbox = self.mine(self.inboxes, body.get("inbox_id"))
        if not self.may_see(inbox["id"]):
            raise refused()
        contact = self.mine(self.contacts, body.get("contact_id"))
        if body.get("status", "open") not in STATUSES:
            return Answer(500, HTML_500, {"Content-Type": "text/html"})
        contact["links"][inbox["id"]] = body.get("source_id") or self.source_id(contact, inbox)
        conversation = self.add_conversation(self.account, contact["id"], inbox["id"], status=body.get("status", "open"), assignee=body.get("assignee_id"), team=body.get("team_id"))
        if body.get("message"):
            self.add_message(conversation, body["message"].get("content"), 1, user=self.user)
        return Answer(200, self.conversation_json(conversation))

    def source_id(self, contact, inbox):
        channel = inbox["channel_type"].removeprefix("Channel::")
        if channel in ("Email", "Whatsapp"):
            value = contact["email" if channel == "Email" else "phone_number"]
            if not value:
                raise Stop(422, {"error": f"param is missing or the value is empty: contact {'email' if channel == 'Email' else 'phone number'}"})
            return value.lstrip("+")
        if channel not in ("Api", "WebWidget"):
            raise Stop(500, HTML_500, headers={"Content-Type": "text/html"})
        return str(uuid.uuid4())

    @route("GET", r"/api/v1/accounts/\d+/conversations/(\d+)")
    def show_conversation(self, request, id):
        return Answer(200, self.conversation_json(self.conversation(id)))

    @route("GET", r"/api/v1/accounts/\d+/conversations/(\d+)/messages")
    def list_messages(self, request, id):
        conversation = self.conversation(id)
        before, after = int(request.query.get("before", 0)), int(request.query.get("after", 0))
        messages = conversation["messages"]
        if after:
            messages = [m for m in messages if m["id"] > after][:100]
        else:
            messages = [m for m in messages if not before or m["id"] < before][-20:]
        return Answer(200, {"meta": {"labels": conversation["labels"], "additional_attributes": {}}, "payload": [self.message_json(conversation, m) for m in messages]})

    @route("POST", r"/api/v1/accounts/\d+/conversations/(\d+)/messages")
    def send_message(self, request, id):
        conversation, body = self.conversation(id), request.json or {}
        kind = body.get("message_type", "outgoing")
        if kind == "incoming" and conversation["inbox"] != 3:
            return Answer(422, {"error": "Incoming messages are only allowed in Api inboxes"})
        if len(body.get("content") or "") > 150_000:
            raise invalid("Content is too long (maximum is 150000 characters)", "content")
        message = self.add_message(conversation, body.get("content"), 0 if kind == "incoming" else 1, user=self.user, private=bool(body.get("private")))
        return Answer(200, self.message_json(conversation, message))

    @route("POST", r"/api/v1/accounts/\d+/conversations/(\d+)/toggle_status")
    def toggle_status(self, request, id):
        conversation, body = self.conversation(id), request.json or {}
        if body.get("status") not in STATUSES:
            return Answer(500, HTML_500, {"Content-Type": "text/html"})
        conversation["status"] = body["status"]
        until = body.get("snoozed_until")
        conversation["snoozed_until"] = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(int(until))) if until else None
        return Answer(200, {"meta": {}, "payload": {"success": True, "conversation_id": conversation["id"], "current_status": conversation["status"], "snoozed_until": conversation["snoozed_until"]}})

    @route("POST", r"/api/v1/accounts/\d+/conversations/(\d+)/toggle_priority")
    def toggle_priority(self, request, id):
        conversation, priority = self.conversation(id), (request.json or {}).get("priority") or None
        if priority not in (None, *PRIORITIES):  # ArgumentError: 'none' is not a valid priority
            return Answer(500, HTML_500, {"Content-Type": "text/html"})
        conversation["priority"] = priority
        return Answer(200, None)

    @route("POST", r"/api/v1/accounts/\d+/conversations/(\d+)/assignments")
    def assign(self, request, id):
        conversation, body = self.conversation(id), request.json or {}
        if "assignee_id" in body:
            agent = body["assignee_id"] if self.account in USERS.get(body["assignee_id"], {"roles": {}})["roles"] else None
            conversation["assignee"] = agent
            return Answer(200, self.agent_json(agent) if agent else b"null", {"Content-Type": "application/json"})
        if "team_id" in body:
            team = self.teams.get(body["team_id"])
            team = team if team and team["account"] == self.account else None
            conversation["team"] = team and team["id"]
            return Answer(200, self.team_json(team) if team else b"null", {"Content-Type": "application/json"})
        return Answer(200, b"null", {"Content-Type": "application/json"})

    @route("POST", r"/api/v1/accounts/\d+/conversations/(\d+)/labels")
    def set_labels(self, request, id):
        conversation = self.conversation(id)
        conversation["labels"] = sorted(set((request.json or {}).get("labels") or []))
        return Answer(200, {"payload": conversation["labels"]})

    def page_of_contacts(self, request, found):
        start = (int(request.query.get("page", 1)) - 1) * 15
        found = sorted(found, key=lambda c: -c["last_activity_at"])
        return Answer(200, {"meta": {"count": len(found), "current_page": request.query.get("page", 1)}, "payload": [self.contact_json(c) for c in found[start : start + 15]]})

    @route("GET", r"/api/v1/accounts/\d+/contacts")
    def list_contacts(self, request):
        return self.page_of_contacts(request, [c for c in self.contacts.values() if c["account"] == self.account])

    @route("GET", r"/api/v1/accounts/\d+/contacts/search")
    def search_contacts(self, request):
        words = request.query.get("q", "").strip().lower()
        if not words:
            return Answer(422, {"error": "Specify search string with parameter q"})
        names = ("name", "email", "phone_number", "identifier")
        return self.page_of_contacts(request, [c for c in self.contacts.values() if c["account"] == self.account and any(words in (c[n] or "").lower() for n in names)])

    @route("GET", r"/api/v1/accounts/\d+/contacts/(\d+)")
    def show_contact(self, request, id):
        return Answer(200, {"payload": self.contact_json(self.mine(self.contacts, id))})

    @route("GET", r"/api/v1/accounts/\d+/contacts/(\d+)/conversations")
    def conversations_of_contact(self, request, id):
        contact = self.mine(self.contacts, id)
        found = [c for (a, _), c in self.conversations.items() if a == self.account and c["contact"] == contact["id"] and self.may_see(c["inbox"])]
        return Answer(200, {"payload": [self.conversation_json(c) for c in sorted(found, key=lambda c: -c["last_activity_at"])[:20]]})

    def checked(self, body, id=None):
        values = {k: body[k] for k in ("name", "email", "phone_number", "identifier", "blocked", "custom_attributes") if k in body}
        for name in ("email", "phone_number", "identifier"):
            if name not in values:
                continue
            values[name] = values[name] or None
            if values[name] and any(c["id"] != id and c["account"] == self.account and c[name] == values[name] for c in self.contacts.values()):
                raise invalid(f"{name.replace('_', ' ').capitalize()} has already been taken", name)
        if values.get("phone_number") and not re.fullmatch(r"\+[1-9]\d{1,14}", values["phone_number"]):
            raise invalid("Phone number should be in e164 format", "phone_number")
        return values

    @route("POST", r"/api/v1/accounts/\d+/contacts")
    def create_contact(self, request):
        body = request.json or {}
        inbox = self.mine(self.inboxes, body["inbox_id"]) if body.get("inbox_id") else None
        contact = self.add_contact(self.account, self.checked(body))
        link = {"inbox": None, "source_id": None}
        if inbox:
            contact["links"][inbox["id"]] = self.source_id(contact, inbox)
            link = {"inbox": {"id": inbox["id"], "name": inbox["name"]}, "source_id": contact["links"][inbox["id"]]}
        return Answer(200, {"payload": {"contact": self.contact_json(contact), "contact_inbox": link}})

    @route("PUT", r"/api/v1/accounts/\d+/contacts/(\d+)")
    def update_contact(self, request, id):
        contact = self.mine(self.contacts, id)
        values = self.checked(request.json or {}, contact["id"])
        values["custom_attributes"] = contact["custom_attributes"] | (values.get("custom_attributes") or {})
        contact |= values
        return Answer(200, {"payload": self.contact_json(contact)})

    @route("GET", r"/api/v1/accounts/\d+/inboxes")
    def list_inboxes(self, request):
        return Answer(200, {"payload": [i for i in self.inboxes.values() if i["account"] == self.account and self.may_see(i["id"])]})

    @route("GET", r"/api/v1/accounts/\d+/agents")
    def list_agents(self, request):
        return Answer(200, [self.agent_json(id) for id, user in USERS.items() if self.account in user["roles"]])

    @route("GET", r"/api/v1/accounts/\d+/teams")
    def list_teams(self, request):
        return Answer(200, [self.team_json(t) for t in self.teams.values() if t["account"] == self.account])

    @route("GET", r"/api/v1/accounts/\d+/labels")
    def list_labels(self, request):
        return Answer(200, {"payload": [{"id": id, "title": title, "color": "#1f93ff", "show_on_sidebar": True} for id, title in LABELS.items()]})

    @route("GET", r"/api/v1/accounts/\d+/canned_responses")
    def list_canned(self, request):
        return Answer(200, [c for c in self.canned.values() if c["account"] == self.account])

    @route("GET", r"/api/v2/accounts/\d+/reports")
    def report(self, request):
        if self.role != "administrator":
            raise refused()
        metric, kind = request.query.get("metric"), request.query.get("type")
        since, until = int(request.query["since"]), int(request.query["until"])
        if metric not in SUMS + MEANS or kind not in ("account", "agent", "inbox", "label", "team"):
            return Answer(500, HTML_500, {"Content-Type": "text/html"})
        if kind in ("inbox", "team"):
            self.mine(self.inboxes if kind == "inbox" else self.teams, request.query.get("id"))
        elif kind == "agent" and self.account not in USERS.get(int(request.query.get("id", 0)), {"roles": {}})["roles"]:
            raise missing()
        elif kind == "label" and int(request.query.get("id", 0)) not in LABELS:
            raise missing()
        days = range(since - since % DAY, until + 1, DAY)
        if metric in SUMS:
            return Answer(200, [{"value": i % 3, "timestamp": day} for i, day in enumerate(days)])
        return Answer(200, [{"value": 60.5 * i or None, "timestamp": day, "count": i} for i, day in enumerate(days)])


if __name__ == "__main__":
    main(Chatwoot)
