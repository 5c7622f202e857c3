"""A stand-in of Qdrant: collections in memory, real search, filters and payload operations, and its error texts; in the same
process an OpenAI-compatible /v1/embeddings whose vectors are words hashed into numbers, so that search by text works.

Keys (--open: none is asked for): `demo-qdrant-key` may do anything, `demo-read-only-key` reads, and with --users N
`key-of-user-1` ... N, each with a collection `notes-of-user-1` ... that nobody else sees. Embeddings: `demo-embeddings-key`.
The collection `products` is there from the start; its products are those of the stand-in of Odoo.
"""

import hashlib
import itertools
import json
import math
import operator
import re
import unicodedata
import uuid
from datetime import datetime

from standin import Answer, Standin, Stop, main, route

MAX_BODY = 32 * 1024 * 1024
COLLECTION = r"/collections/([^/]+)"
DISTANCES = ("Cosine", "Dot", "Euclid", "Manhattan")
INDEX_TYPES = ("keyword", "integer", "float", "geo", "text", "bool", "datetime", "uuid")

# name, default_code, list_price, category, texts about it
PRODUCTS = [
    ("Office Chair Ergo", "FURN-0001", 249.00, "furniture", ["Ergonomic office chair with lumbar support and adjustable arms, for long days at the desk.", "Cadeira de escritorio ergonomica com apoio lombar."]),
    ("Standing Desk 160", "FURN-0002", 599.00, "furniture", ["Electric height-adjustable standing desk, 160 cm wide, with memory for four heights.", "Mesa com altura ajustavel para trabalhar em pe."]),
    ("Desk Lamp LED", "FURN-0003", 39.90, "furniture", ["Dimmable LED desk lamp with warm and cold light and a USB charging port."]),
    ("Wireless Headphones Pro", "ELEC-0101", 199.00, "electronics", ["Over-ear bluetooth headphones with active noise cancelling and 30 hours of battery.", "Fones de ouvido sem fio com cancelamento de ruido."]),
    ("USB-C Dock 8-in-1", "ELEC-0102", 129.00, "electronics", ["Docking station with HDMI, ethernet, card reader and 100 W charging for laptops."]),
    ("27 inch 4K Monitor", "ELEC-0103", 449.00, "electronics", ["27 inch IPS monitor with 4K resolution, 99 % sRGB and a stand that turns and tilts.", "Monitor de 27 polegadas com resolucao 4K."]),
    ("Mechanical Keyboard BR", "ELEC-0104", 89.00, "electronics", ["Mechanical keyboard with Brazilian ABNT2 layout, quiet tactile switches and white backlight.", "Teclado mecanico ABNT2 silencioso."]),
    ("Espresso Machine Duo", "KITC-0201", 329.00, "kitchen", ["Espresso machine for two cups with a steam wand for milk foam.", "Maquina de cafe espresso para duas xicaras."]),
    ("Coffee Beans 1 kg", "KITC-0202", 24.50, "kitchen", ["Medium roast arabica coffee beans from Minas Gerais, 1 kg.", "Cafe em graos de Minas Gerais."]),
    ("Water Bottle Steel 1 L", "KITC-0203", 19.90, "kitchen", ["Insulated stainless steel water bottle, 1 litre, keeps drinks cold for 24 hours."]),
    ("Notebook A5 Dotted", "STAT-0301", 7.90, "stationery", ["A5 notebook with dotted pages and 120 g paper that takes fountain pens."]),
    ("Gel Pen Set 12", "STAT-0302", 12.90, "stationery", ["Twelve gel pens in twelve colours, 0.5 mm."]),
]

# Words of several languages that mean the same, so that "fone sem fio" finds what "wireless headphones" finds.
MEANINGS = {
    "headphone": "headphones headset fone fones auricular auriculares kopfhorer casque",
    "wireless": "bluetooth cordless sem-fio inalambrico kabellos",
    "chair": "chairs cadeira cadeiras silla stuhl seat",
    "desk": "desks mesa mesas table escritorio schreibtisch workplace",
    "lamp": "lamps light luminaria lampada luz lampara",
    "coffee": "cafe espresso kaffee caffeine",
    "keyboard": "keyboards teclado tastatur",
    "monitor": "monitors screen display tela pantalla bildschirm",
    "bottle": "bottles garrafa botella flasche",
    "notebook": "notebooks caderno cuaderno",
    "pen": "pens caneta canetas boligrafo",
    "quiet": "silent silencioso noise ruido",
    "machine": "maquina maschine maker",
}
MEANING_OF = {word: meaning for meaning, words in MEANINGS.items() for word in words.split()}
FILLER = set("a an the of for with and or in on to that is are i need something de da do com para em e um uma which who".split())


def words_of(text):
    plain = unicodedata.normalize("NFKD", text.lower()).encode("ascii", "ignore").decode().replace("sem fio", "sem-fio")
    for word in re.findall(r"[a-z0-9]+(?:-[a-z0-9]+)*", plain):
        if word not in FILLER:
            yield MEANING_OF.get(word) or MEANING_OF.get(word.rstrip("s")) or word.rstrip("s") or word


def embed(text, size):
    vector = [0.0] * size
    for word in words_of(text):
        digest = hashlib.sha256(word.encode()).digest()
        for part in (digest[:4], digest[4:8]):
            vector[int.from_bytes(part, "big") % size] += 1.0 if part[0] & 1 else -1.0
    length = math.sqrt(sum(v * v for v in vector)) or 1.0
    return [round(v / length, 6) for v in vector]


def refuse(status, text, headers=None):
    return Stop(status, {"status": {"error": text}, "time": 0.0001}, headers or {})


def wrong(text):
    return refuse(400, f"Wrong input: {text}")


def ok(result):
    return Answer(200, {"result": result, "status": "ok", "time": 0.0002})


def point_id(value):
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**64:
        return value
    try:
        if isinstance(value, str):
            return str(uuid.UUID(value))
    except ValueError:
        pass
    raise refuse(400, f"Format error in JSON body: value {value} is not a valid point ID, valid values are either an unsigned integer or a UUID")


def order(id):
    """Numbers first, then UUIDs."""
    return isinstance(id, str), id


# Filters


def values_at(payload, path):
    """The values under a.b or a[].b, arrays taken apart."""
    found = [payload]
    for step in path.replace("[]", "").split("."):
        found = [v[step] for v in found if isinstance(v, dict) and step in v]
        found = list(itertools.chain.from_iterable(v if isinstance(v, list) else [v] for v in found))
    return found


def raw_at(payload, path):
    for step in path.split("."):
        payload = payload.get(step) if isinstance(payload, dict) else None
    return payload


def check_times(filter):
    """Bounds that are texts must be times, wherever they stand."""
    if isinstance(filter, list):
        for part in filter:
            check_times(part)
    elif isinstance(filter, dict):
        for name, part in filter.items():
            if name == "range" and isinstance(part, dict):
                for bound in part.values():
                    try:
                        moment(bound) if isinstance(bound, str) else None
                    except ValueError:
                        raise refuse(400, "Format error in JSON body: data did not match any variant of untagged enum RangeInterface") from None
            check_times(part)


def moment(value):
    return datetime.fromisoformat(value.replace("Z", "+00:00")).timestamp()


def in_range(value, bounds):
    if any(isinstance(b, str) for b in bounds.values()):
        try:
            value, bounds = moment(value), {k: moment(b) for k, b in bounds.items()}
        except (ValueError, AttributeError, TypeError):
            return False
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    tests = {"lt": operator.lt, "gt": operator.gt, "lte": operator.le, "gte": operator.ge}
    return all(tests[name](value, bound) for name, bound in bounds.items())


def metres(a, b):
    to = math.radians
    half = math.sin(to(b["lat"] - a["lat"]) / 2) ** 2 + math.cos(to(a["lat"])) * math.cos(to(b["lat"])) * math.sin(to(b["lon"] - a["lon"]) / 2) ** 2
    return 2 * 6371000 * math.asin(math.sqrt(half))


def in_line(point, line):
    inside, points = False, line["points"]
    for a, b in zip(points, points[1:]):
        if (a["lat"] > point["lat"]) != (b["lat"] > point["lat"]):
            at = a["lon"] + (point["lat"] - a["lat"]) / (b["lat"] - a["lat"]) * (b["lon"] - a["lon"])
            inside ^= point["lon"] < at
    return inside


def same(a, b):
    return type(a) is type(b) and a == b


def matches(value, match):
    kind, wanted = next(iter(match.items()))
    if kind == "value":
        return same(value, wanted)
    if kind == "any":
        return any(same(value, w) for w in wanted)
    if kind == "except":
        return not any(same(value, w) for w in wanted)
    if not isinstance(value, str):
        return False
    if kind == "text":
        return all(w in value.lower() for w in wanted.lower().split())
    if kind == "text_any":
        return any(w in value.lower() for w in wanted.lower().split())
    return value.lower().startswith(wanted.lower()) if kind == "prefix" else wanted.lower() in value.lower()


def field_fits(condition, payload):
    values = values_at(payload, condition["key"])
    if "match" in condition:
        return any(matches(v, condition["match"]) for v in values)
    if "range" in condition:
        return any(in_range(v, condition["range"]) for v in values)
    if "values_count" in condition:
        return in_range(len(values), condition["values_count"])
    places = [v for v in values if isinstance(v, dict) and {"lon", "lat"} <= set(v)]
    if radius := condition.get("geo_radius"):
        return any(metres(p, radius["center"]) <= radius["radius"] for p in places)
    if box := condition.get("geo_bounding_box"):
        return any(box["top_left"]["lon"] <= p["lon"] <= box["bottom_right"]["lon"] and box["bottom_right"]["lat"] <= p["lat"] <= box["top_left"]["lat"] for p in places)
    if polygon := condition.get("geo_polygon"):
        return any(in_line(p, polygon["exterior"]) and not any(in_line(p, i) for i in polygon.get("interiors", [])) for p in places)
    if "is_empty" in condition:
        return (raw_at(payload, condition["key"]) in (None, [])) == condition["is_empty"]
    if "is_null" in condition:
        return (raw_at(payload, condition["key"]) is None and condition["key"] in payload) == condition["is_null"]
    raise refuse(400, "Format error in JSON body: data did not match any variant of untagged enum Condition")


def condition_fits(condition, point):
    if "key" in condition:
        return field_fits(condition, point["payload"])
    if "has_id" in condition:
        return point["id"] in [point_id(i) for i in condition["has_id"]]
    if "has_vector" in condition:
        return condition["has_vector"] in point["vectors"]
    if "is_empty" in condition:
        return raw_at(point["payload"], condition["is_empty"]["key"]) in (None, [])
    if "is_null" in condition:
        key = condition["is_null"]["key"]
        return key in point["payload"] and point["payload"][key] is None
    if nested := condition.get("nested"):
        return any(fits(nested["filter"], point | {"payload": item}) for item in values_at(point["payload"], nested["key"]) if isinstance(item, dict))
    if set(condition) <= {"must", "should", "must_not", "min_should"}:
        return fits(condition, point)
    raise refuse(400, "Format error in JSON body: data did not match any variant of untagged enum Condition")


def clause(filter, name):
    conditions = filter.get(name) or []
    return conditions if isinstance(conditions, list) else [conditions]


def fits(filter, point):
    if not filter:
        return True
    if unknown := set(filter) - {"must", "should", "must_not", "min_should"}:
        raise refuse(400, f"Format error in JSON body: unknown field `{sorted(unknown)[0]}`, expected one of `should`, `min_should`, `must`, `must_not`")
    if not all(condition_fits(c, point) for c in clause(filter, "must")) or any(condition_fits(c, point) for c in clause(filter, "must_not")):
        return False
    if clause(filter, "should") and not any(condition_fits(c, point) for c in clause(filter, "should")):
        return False
    enough = filter.get("min_should")
    return not enough or sum(condition_fits(c, point) for c in enough["conditions"]) >= enough["min_count"]


# Vectors


def score(distance, a, b):
    if distance == "Euclid":
        return math.dist(a, b)
    if distance == "Manhattan":
        return sum(abs(x - y) for x, y in zip(a, b))
    dot = sum(x * y for x, y in zip(a, b))
    if distance == "Dot":
        return dot
    return dot / ((math.hypot(*a) or 1.0) * (math.hypot(*b) or 1.0))


class Collection:
    def __init__(self, config):
        vectors = config.get("vectors", {})
        self.unnamed = "size" in vectors
        self.vectors = {"": vectors} if self.unnamed else dict(vectors)
        for params in self.vectors.values():
            if not isinstance(params.get("size"), int) or params["size"] < 1 or params.get("distance") not in DISTANCES:
                raise refuse(422, "Validation error in JSON body: [vectors.size: value invalid, must be 1 or larger]")
        self.sparse = config.get("sparse_vectors") or {}
        self.points = {}
        self.indexes = {}
        self.operations = 0

    def config(self):
        return self.vectors[""] if self.unnamed else self.vectors

    def params(self, name):
        if name in self.vectors:
            return self.vectors[name]
        if not name:
            raise wrong("Not existing vector name error: ")
        raise wrong(f"Not existing vector name error: {name}")

    def checked(self, name, vector):
        params = self.params(name)
        if not isinstance(vector, list) or len(vector) != params["size"]:
            raise wrong(f"Vector dimension error: expected dim: {params['size']}, got {len(vector)}")
        return [float(v) for v in vector]

    def put(self, id, vector, payload):
        given = vector if isinstance(vector, dict) else {"": vector}
        vectors = {name: self.checked(name, v) for name, v in given.items() if name not in self.sparse}
        self.points[point_id(id)] = {"id": point_id(id), "vectors": vectors, "payload": dict(payload or {})}

    def selected(self, body):
        if "points" in body and body["points"] is not None:
            return [self.points[i] for i in map(point_id, body["points"]) if i in self.points]
        return [p for p in self.points.values() if fits(body.get("filter"), p)]

    def missed(self, body):
        """Changing the payload of a point that is not there is refused, after the others were changed."""
        for id in map(point_id, body.get("points") or []):
            if id not in self.points:
                raise refuse(404, f"Not found: No point with id {id} found")

    def ordered(self):
        return sorted(self.points.values(), key=lambda p: order(p["id"]))


def shown_payload(point, wanted):
    if isinstance(wanted, list):
        return {k: v for k, v in point["payload"].items() if k in wanted}
    return point["payload"] if wanted else None


def shown(point, body, **more):
    entry = {"id": point["id"]} | more
    if (payload := shown_payload(point, body.get("with_payload", False))) is not None:
        entry["payload"] = payload
    if body.get("with_vector"):
        entry["vector"] = point["vectors"].get("", point["vectors"])
    return entry


class Qdrant(Standin):
    title = "Qdrant and of an embeddings service"

    @classmethod
    def add_options(cls, parser):
        parser.add_argument("--open", action="store_true", help="no API key is asked for")
        parser.add_argument("--users", type=int, default=0, help="users with a key and a collection of their own")
        parser.add_argument("--embedding-size", type=int, default=128)

    def __init__(self, options):
        super().__init__(options)
        self.collections = {}
        size = options.embedding_size
        products = self.collections["products"] = Collection({"vectors": {"size": size, "distance": "Cosine"}})
        number = itertools.count(1)
        for product_id, (name, code, price, category, texts) in enumerate(PRODUCTS, 1):
            for text in texts:
                payload = {"name": name, "text": text, "category": category, "price": price, "default_code": code, "odoo_product_id": product_id}
                products.put(next(number), embed(f"{name} {category} {text}", size), payload)
        products.indexes = {"category": "keyword", "price": "float"}
        for n in range(1, options.users + 1):
            notes = self.collections[f"notes-of-user-{n}"] = Collection({"vectors": {"size": size, "distance": "Cosine"}})
            notes.put(1, embed(f"secret of user {n}", size), {"text": f"secret of user {n}"})

    def not_found(self, request):
        return Answer(404, None)

    def error_in_200(self):
        return {"status": {"error": "Service internal error: task panicked"}, "time": 0.0}

    def before(self, request):
        if request.path.startswith("/v1/") or request.path in ("/healthz", "/readyz", "/livez"):
            return None
        request.key = request.headers.get("api-key") or request.bearer()
        if len(request.body) > MAX_BODY:
            return Answer(413, "Payload reached size limit.")
        if self.options.open:
            return None
        if not request.key:
            return Answer(401, "Must provide an API key or an Authorization bearer token")
        known = {"demo-qdrant-key", "demo-read-only-key"} | {f"key-of-user-{n}" for n in range(1, self.options.users + 1)}
        return None if request.key in known else Answer(401, "Invalid API key or JWT")

    # Who may do what

    def may_see(self, request, name):
        if self.options.open:
            return True
        if user := re.fullmatch(r"key-of-user-(\d+)", request.key):
            return name == f"notes-of-user-{user[1]}"
        return not name.startswith("notes-of-user-")

    def may_write(self, request):
        if not self.options.open and request.key == "demo-read-only-key":
            raise refuse(403, "Forbidden: Global manage access is required")

    def collection(self, request, name, write=False):
        if write:
            self.may_write(request)
        if not self.may_see(request, name):
            raise refuse(403, f"Forbidden: Access to collection {name} is required")
        if name not in self.collections:
            raise refuse(404, f"Not found: Collection `{name}` doesn't exist!")
        return self.collections[name]

    def body(self, request):
        value = request.json
        if not isinstance(value, dict):
            raise refuse(400, "Format error in JSON body: expected value at line 1 column 1")
        check_times(value.get("filter"))
        return value

    def updated(self, request, collection):
        collection.operations += 1
        return ok({"operation_id": collection.operations, "status": "completed" if request.query.get("wait") == "true" else "acknowledged"})

    # Collections

    @route("GET", "/healthz")
    def health(self, request):
        return Answer(200, "healthz check passed")

    @route("GET", "/collections")
    def list(self, request):
        return ok({"collections": [{"name": name} for name in self.collections if self.may_see(request, name)]})

    @route("GET", COLLECTION)
    def info(self, request, name):
        collection = self.collection(request, name)
        params = {"vectors": collection.config(), "shard_number": 1, "replication_factor": 1, "write_consistency_factor": 1, "on_disk_payload": True}
        hnsw = {"m": 16, "ef_construct": 100, "full_scan_threshold": 10000, "max_indexing_threads": 0, "on_disk": False}
        optimizer = {"deleted_threshold": 0.2, "vacuum_min_vector_number": 1000, "default_segment_number": 0, "flush_interval_sec": 5}
        schema = {field: {"data_type": kind, "points": sum(bool(values_at(p["payload"], field)) for p in collection.points.values())} for field, kind in collection.indexes.items()}
        return ok({"status": "green", "optimizer_status": "ok", "indexed_vectors_count": 0, "points_count": len(collection.points), "segments_count": 1, "config": {"params": params, "hnsw_config": hnsw, "optimizer_config": optimizer}, "payload_schema": schema})

    @route("PUT", COLLECTION)
    def create(self, request, name):
        self.may_write(request)
        if name in self.collections:
            raise refuse(409, f"Wrong input: Collection `{name}` already exists!")
        if not re.fullmatch(r'[^<>:"/\\|?*\x00-\x1f]{1,255}', name):
            raise refuse(422, "Validation error in path parameters: [name: collection name contains invalid characters]")
        self.collections[name] = Collection(self.body(request))
        return ok(True)

    @route("DELETE", COLLECTION)
    def delete(self, request, name):
        self.may_write(request)
        if name in self.collections:
            self.collection(request, name)
        return ok(self.collections.pop(name, None) is not None)

    @route("PUT", COLLECTION + "/index")
    def index(self, request, name):
        collection, body = self.collection(request, name, write=True), self.body(request)
        if body.get("field_schema") not in INDEX_TYPES:
            raise refuse(400, f"Format error in JSON body: unknown variant `{body.get('field_schema')}`")
        collection.indexes[body["field_name"]] = body["field_schema"]
        return self.updated(request, collection)

    # Points

    @route("PUT", COLLECTION + "/points")
    def upsert(self, request, name):
        collection, body = self.collection(request, name, write=True), self.body(request)
        for point in body.get("points", []):  # all are checked before any is written
            for vector_name, vector in (point["vector"] if isinstance(point["vector"], dict) else {"": point["vector"]}).items():
                if vector_name not in collection.sparse:
                    collection.checked(vector_name, vector)
            point_id(point["id"])
        for point in body.get("points", []):
            collection.put(point["id"], point["vector"], point.get("payload"))
        return self.updated(request, collection)

    @route("POST", COLLECTION + "/points")
    def get(self, request, name):
        collection, body = self.collection(request, name), self.body(request)
        return ok([shown(p, body) for p in collection.selected({"points": body["ids"]})])

    @route("POST", COLLECTION + "/points/query")
    def query(self, request, name):
        collection, body = self.collection(request, name), self.body(request)
        using, asked, left_out = body.get("using") or "", body.get("query"), None
        limit = body.get("limit", 10)
        if not isinstance(limit, int) or limit < 1:
            raise refuse(422, "Validation error in JSON body: [internal.limit: value 0 invalid, must be 1 or larger]")
        if isinstance(asked, dict):
            asked = asked.get("nearest", asked)
        params = collection.params(using)
        if not isinstance(asked, list):
            left_out = point_id(asked)
            if left_out not in collection.points:
                raise refuse(404, f"Not found: No point with id {asked} found")
            asked = collection.points[left_out]["vectors"][using]
        vector = collection.checked(using, asked)
        nearer_is_less = params["distance"] in ("Euclid", "Manhattan")
        found = [(score(params["distance"], vector, p["vectors"][using]), p) for p in collection.points.values() if using in p["vectors"] and p["id"] != left_out and fits(body.get("filter"), p)]
        threshold = body.get("score_threshold")
        if threshold is not None:
            found = [(s, p) for s, p in found if (s <= threshold if nearer_is_less else s >= threshold)]
        found.sort(key=lambda f: f[0] if nearer_is_less else -f[0])
        page = found[body.get("offset") or 0 :][:limit]
        return ok({"points": [shown(p, body, version=1, score=s) for s, p in page]})

    @route("POST", COLLECTION + "/points/scroll")
    def scroll(self, request, name):
        collection, body = self.collection(request, name), self.body(request)
        limit = body.get("limit", 10)
        points = [p for p in collection.ordered() if fits(body.get("filter"), p)]
        if body.get("offset") is not None:
            first = order(point_id(body["offset"]))
            points = [p for p in points if order(p["id"]) >= first]
        body = {"with_payload": True} | body
        return ok({"points": [shown(p, body) for p in points[:limit]], "next_page_offset": points[limit]["id"] if len(points) > limit else None})

    @route("POST", COLLECTION + "/points/count")
    def count(self, request, name):
        collection, body = self.collection(request, name), self.body(request)
        return ok({"count": sum(fits(body.get("filter"), p) for p in collection.points.values())})

    @route("POST", COLLECTION + "/points/payload")
    def set_payload(self, request, name):
        collection, body = self.collection(request, name, write=True), self.body(request)
        for point in collection.selected(body):
            point["payload"].update(body["payload"])
        collection.missed(body)
        return self.updated(request, collection)

    @route("PUT", COLLECTION + "/points/payload")
    def replace_payload(self, request, name):
        collection, body = self.collection(request, name, write=True), self.body(request)
        for point in collection.selected(body):
            point["payload"] = dict(body["payload"])
        collection.missed(body)
        return self.updated(request, collection)

    @route("POST", COLLECTION + "/points/payload/delete")
    def remove_payload(self, request, name):
        collection, body = self.collection(request, name, write=True), self.body(request)
        for point in collection.selected(body):
            for key in body["keys"]:
                point["payload"].pop(key, None)
        collection.missed(body)
        return self.updated(request, collection)

    @route("POST", COLLECTION + "/points/delete")
    def delete_points(self, request, name):
        collection, body = self.collection(request, name, write=True), self.body(request)
        for point in collection.selected(body):
            del collection.points[point["id"]]
        return self.updated(request, collection)

    # Embeddings

    @route("POST", "/v1/embeddings")
    def embeddings(self, request):
        if request.bearer() != "demo-embeddings-key":
            return Answer(401, {"error": {"message": "Incorrect API key provided.", "type": "invalid_request_error", "code": "invalid_api_key"}})
        body = request.json or {}
        texts = body.get("input")
        texts = [texts] if isinstance(texts, str) else texts
        if not body.get("model") or not texts or not all(isinstance(t, str) and t for t in texts):
            return Answer(400, {"error": {"message": "'$.input' is invalid.", "type": "invalid_request_error"}})
        data = [{"object": "embedding", "index": i, "embedding": embed(t, self.options.embedding_size)} for i, t in enumerate(texts)]
        tokens = sum(len(json.dumps(t)) // 4 for t in texts)
        return Answer(200, {"object": "list", "data": data[::-1], "model": body["model"], "usage": {"prompt_tokens": tokens, "total_tokens": tokens}})


if __name__ == "__main__":
    main(Qdrant)
