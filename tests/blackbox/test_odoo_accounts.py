"""Whose account a call of mcp-odoo goes out with; logins that are remembered, forgotten and refused; secrets that stay where they belong."""

import concurrent.futures

import pytest

from harness import bearer, wait_until
from odoo_world import ANA, Odoo, credentials

DEMO = credentials("demo@example.com", "demo-api-key")
ADMIN = credentials("admin", "admin")
COUNT = ("count_records", {"model": "product.product"})
NO = "<methodResponse><params><param><value><boolean>0</boolean></value></param></params></methodResponse>"


@pytest.fixture(scope="module")
def upstream(start_module):
    return start_module.standin("odoo")


@pytest.fixture(scope="module")
def shared(start_module, upstream):
    return Odoo(start_module, upstream=upstream)


@pytest.fixture
def odoo(shared):
    shared.upstream.forget()
    return shared


@pytest.fixture
def fresh(start, upstream):
    """A connector that remembers nothing."""
    upstream.forget()
    return Odoo(start, upstream=upstream, env={"ODOO_USERNAME": None, "ODOO_PASSWORD": None})


def test_the_service_account_is_used_without_headers(odoo):
    odoo.call(*COUNT)
    assert {(p[1], p[2]) for p in odoo.sent()} == {(6, "demo")}


def test_a_users_own_account_wins_and_is_never_mixed(odoo):
    odoo.call(*COUNT, headers=ADMIN)
    assert {(p[1], p[2]) for p in odoo.sent()} == {(2, "admin")}
    assert {p[1:3] for p in odoo.sent("authenticate")} <= {("admin", "admin")}


@pytest.mark.parametrize("headers", [{"X-Odoo-Login": "admin"}, {"X-Odoo-Api-Key": "admin"}])
def test_half_of_the_headers_is_an_error_and_nothing_is_asked(odoo, headers):
    text = odoo.refusal(*COUNT, headers=headers)
    assert "X-Odoo-Login and X-Odoo-Api-Key belong together" in text
    assert odoo.upstream.requests() == []


def test_another_tenant_needs_an_account_of_its_own(odoo):
    text = odoo.refusal(*COUNT, auth=bearer(tenant="other"))
    assert "service account does not belong to your tenant" in text and "X-Odoo-Login" in text
    assert odoo.upstream.requests() == []
    assert odoo.call(*COUNT, auth=bearer(tenant="other"), headers=DEMO)["count"] == 12


def test_two_tenants_of_one_list_and_everybody(start, upstream):
    both = Odoo(start, upstream=upstream, env={"TENANTS": "demo, other"}, name="both")
    for tenant in ("demo", "other"):
        assert both.call(*COUNT, auth=bearer(tenant=tenant))["count"] == 12
    assert "tenant" in both.refusal(*COUNT, auth=bearer(tenant="third"))
    everybody = Odoo(start, upstream=upstream, env={"TENANTS": "*"}, name="all")
    assert everybody.call(*COUNT, auth=bearer(tenant="third"))["count"] == 12


def test_without_any_account_the_user_is_told_what_to_connect(fresh):
    text = fresh.refusal(*COUNT)
    assert "X-Odoo-Login" in text and "Odoo account" in text
    assert fresh.call(*COUNT, headers=DEMO)["count"] == 12


def test_the_uid_is_remembered_and_asked_for_again_when_it_no_longer_holds(fresh):
    fresh.call(*COUNT, headers=DEMO)
    fresh.call(*COUNT, headers=DEMO)
    assert len(fresh.sent("authenticate")) == 1 and len(fresh.sent()) == 2
    fresh.upstream.fault("error_in_200", path="object", body=fault(3, "Access Denied"))
    assert fresh.call(*COUNT, headers=DEMO)["count"] == 12, "logged in anew, then asked again"
    assert len(fresh.sent("authenticate")) == 2


def fault(code, text):
    return f"<?xml version='1.0'?><methodResponse><fault><value><struct><member><name>faultCode</name><value><int>{code}</int></value></member><member><name>faultString</name><value><string>{text}</string></value></member></struct></value></fault></methodResponse>"


def test_a_login_that_is_refused_again_is_the_answer(fresh):
    fresh.call(*COUNT, headers=DEMO)
    fresh.upstream.fault("error_in_200", path="object", times=-1, body=fault(3, "Access Denied"))
    assert "refused the login" in fresh.refusal(*COUNT, headers=DEMO)
    assert len(fresh.sent()) == 3, "no more than once again"


def test_a_uid_that_no_longer_holds_is_not_tried_a_second_time(fresh):
    fresh.call(*COUNT, headers=DEMO)
    fresh.upstream.fault("error_in_200", path="object", body=fault(3, "Access Denied"))
    fresh.upstream.fault("error_in_200", path="common", times=2, body=NO)
    for _ in range(2):
        assert "refused the login" in fresh.refusal(*COUNT, headers=DEMO)
    assert len(fresh.sent()) == 2, "the second refusal asked for a login only"
    assert fresh.call(*COUNT, headers=DEMO)["count"] == 12


def test_a_password_that_changed_is_noticed_by_the_next_call(fresh):
    """The remembered uid does not stand for a password."""
    fresh.call(*COUNT, headers=DEMO)
    assert "refused" in fresh.refusal(*COUNT, headers=credentials("demo@example.com", "old-key"))
    assert fresh.call(*COUNT, headers=DEMO)["count"] == 12


def test_an_account_with_two_factors_needs_its_key(fresh):
    assert "API key" in fresh.refusal(*COUNT, headers=credentials("totp@example.com", "its-password"))
    assert fresh.call(*COUNT, headers=credentials("totp@example.com", "totp-api-key"))["count"] == 12


def test_failed_logins_are_limited_by_login(fresh):
    wrong = credentials("bruno@example.com", "guess")
    for _ in range(5):
        assert "refused the login" in fresh.refusal(*COUNT, headers=wrong)
    asked = len(fresh.sent("authenticate"))
    text = fresh.refusal(*COUNT, headers=credentials("bruno@example.com", "another guess"))
    assert "not asked again for" in text and "bruno" not in text
    assert len(fresh.sent("authenticate")) == asked
    assert fresh.call(*COUNT, headers=DEMO)["count"] == 12, "others are not held up"


def test_wrong_logins_of_one_tenant_hold_up_no_other(fresh):
    for i in range(6):
        fresh.refusal(*COUNT, headers=credentials("demo@example.com", f"guess {i}"), auth=bearer(tenant="other"))
    assert "not asked again for" in fresh.refusal(*COUNT, headers=DEMO, auth=bearer(tenant="other"))
    assert fresh.call(*COUNT, headers=DEMO)["count"] == 12


@pytest.mark.parametrize("tool, arguments", [("list_models", {}), ("search_records", {"model": "res.partner"}), ("delete_records", {"model": "res.partner", "ids": [987654]})])
def test_a_refused_login_is_tried_once_in_a_call(fresh, tool, arguments):
    assert "refused the login" in fresh.refusal(tool, arguments, headers=credentials("carla@example.com", "guess"))
    assert len(fresh.sent("authenticate")) == 1


def test_credentials_that_are_no_text_are_the_callers_mistake(fresh):
    text = fresh.refusal(*COUNT, headers={"X-Odoo-Login": "ana", "X-Odoo-Api-Key": b"caf\xe9-key"})
    assert text == "X-Odoo-Login and X-Odoo-Api-Key must be UTF-8 text."


@pytest.mark.parametrize("code", [1, 2, 4])
def test_a_key_that_odoo_repeats_is_not_shown(fresh, code):
    fresh.call(*COUNT, headers=DEMO)
    fresh.upstream.fault("error_in_200", path="object", body=fault(code, "Traceback (most recent call last):\n  File\nValueError: no demo-api-key here"))
    text = fresh.refusal(*COUNT, headers=DEMO)
    assert "cannot be shown" in text and "demo-api-key" not in text + fresh.connector.text()


def test_production_refuses_the_stand_in(start, upstream):
    env = {"ODOO_URL": upstream, "ODOO_DB": "demo", "ODOO_USERNAME": "demo@example.com", "ODOO_PASSWORD": "demo", "TENANTS": "demo", "ENVIRONMENT": "production"}
    connector = start.connector("odoo", env, name="production")
    wait_until(lambda: "ENVIRONMENT=production refuses" in connector.http.get("/ready").text, "the reason")


def test_a_service_account_that_a_call_finds_refused_is_not_ready(start):
    upstream = start.standin("odoo")
    odoo = Odoo(start, upstream=upstream)
    wait_until(lambda: odoo.connector.http.get("/ready").status_code == 200, "ready")
    odoo.call(*COUNT)
    upstream.fault("error_in_200", times=-1, path="object", body=fault(3, "Access Denied"))
    upstream.fault("error_in_200", times=-1, path="common", body=NO)
    assert "refused the service account" in odoo.refusal(*COUNT)
    wait_until(lambda: odoo.connector.http.get("/ready").status_code == 503, "not ready")


def test_ready_says_whether_the_service_account_is_accepted(start, upstream):
    good = Odoo(start, upstream=upstream, name="good")
    wait_until(lambda: good.connector.http.get("/ready").status_code == 200, "ready")
    bad = start.connector("odoo", {"ODOO_URL": upstream, "ODOO_DB": "demo", "ODOO_USERNAME": "demo@example.com", "ODOO_PASSWORD": "wrong-word"}, name="bad")
    wait_until(lambda: "refuses the service account" in bad.http.get("/ready").text, "the reason")
    assert bad.http.get("/ready").status_code == 503 and bad.http.get("/health").status_code == 200
    assert "wrong-word" not in bad.text()
    wrong_db = start.connector("odoo", {"ODOO_URL": upstream, "ODOO_DB": "nope", "ODOO_USERNAME": "demo", "ODOO_PASSWORD": "demo"}, name="wrongdb")
    wait_until(lambda: "ODOO_DB" in wrong_db.http.get("/ready").text, "the reason")
    nobody = start.connector("odoo", {"ODOO_URL": upstream, "ODOO_DB": "demo"}, name="nobody")
    wait_until(lambda: nobody.http.get("/ready").status_code == 200, "ready without an account")


def test_a_restart_between_two_calls_goes_unnoticed(start, upstream):
    odoo = Odoo(start, upstream=upstream)
    first = odoo.call("search_records", {"model": "product.product", "limit": 5})
    env = {"ODOO_URL": upstream, "ODOO_DB": "demo", "ODOO_USERNAME": "demo@example.com", "ODOO_PASSWORD": "demo", "TENANTS": "demo"}
    odoo.connector.stop()
    start.started.remove(odoo.connector)
    start.connector("odoo", env)
    rest = odoo.call("search_records", {"model": "product.product", "limit": 20, "offset": first["next_offset"]})
    assert rest["count"] == 7


def test_calls_of_two_users_at_once_never_see_each_other(fresh):
    """The administrator sees the parameter, the others are refused."""

    def ask(i):
        mine = (ADMIN, DEMO)[i % 2]
        result = fresh.ask("search_records", {"model": "ir.config_parameter", "fields": ["key"]}, headers=mine)
        return i % 2 == 0, not result.get("isError")

    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        for is_admin, allowed in pool.map(ask, range(120)):
            assert is_admin == allowed
    assert {(p[1], p[2]) for p in fresh.sent()} == {(2, "admin"), (6, "demo-api-key")}


def test_a_users_key_is_found_nowhere_but_at_odoo(fresh):
    key = "planted-key-5f1c"
    headers = credentials("demo@example.com", key)
    fresh.refusal(*COUNT, headers=headers)
    for kind in ("html", "error_in_200", "reset"):
        fresh.upstream.fault(kind, path="common")
        fresh.refusal(*COUNT, headers=headers)
    everything = fresh.connector.text() + fresh.gateway.text() + fresh.connector.http.get("/metrics").text + str(fresh.gateway.status())
    assert key not in everything and "demo@example.com" not in everything
    assert any(key in r["body"] for r in fresh.upstream.requests())
    assert not any(key in str(r["headers"]) + r["path"] for r in fresh.upstream.requests())


def test_an_id_of_the_other_half_of_a_pair_is_not_shared(odoo):
    """The key of the cache is the whole of the credentials."""
    assert odoo.call("read_records", {"model": "res.partner", "ids": [ANA]}, headers=ADMIN)["count"] == 1
    assert "refused" in odoo.refusal("read_records", {"model": "res.partner", "ids": [ANA]}, headers=credentials("admin", "demo"))
