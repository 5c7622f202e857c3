"""The demo company in the stand-in of Odoo: its models, what they compute, its users and its records."""

import datetime

from odoo_orm import Model, UserError, field

TAX = 0.15  # on top of every line, as in Odoo's own demo data


class Partner(Model):
    name, title, kept_messages = "res.partner", "Contact", True
    fields = {
        "name": field("char", "Name"),
        "email": field("char", "Email"),
        "phone": field("char", "Phone"),
        "vat": field("char", "Tax ID"),
        "is_company": field("boolean", "Is a Company", default=False),
        "type": field("selection", "Address Type", selection=[["contact", "Contact"], ["invoice", "Invoice Address"], ["delivery", "Delivery Address"]], default="contact", help="- Contact: Use this to organize the contact details of employees."),
        "parent_id": field("many2one", "Related Company", relation="res.partner"),
        "child_ids": field("one2many", "Contact", relation="res.partner", inverse="parent_id"),
        "country_id": field("many2one", "Country", relation="res.country"),
        "category_id": field("many2many", "Tags", relation="res.partner.category"),
        "comment": field("html", "Notes"),
        "image_128": field("binary", "Image 128"),
        "partner_latitude": field("float", "Geo Latitude", default=0.0),
        "active": field("boolean", "Active", default=True),
    }

    def _check_required(self, record):
        if not record.get("name"):
            raise UserError("The operation cannot be completed: Contacts require a name")

    def _value(self, record, name):
        if name == "child_ids":
            return [r["id"] for r in self.records.values() if r.get("parent_id") == record["id"]]
        return super()._value(record, name)

    def _display_name(self, record):
        parent = self.records.get(record.get("parent_id") or 0)
        return f"{parent['name']}, {record['name']}" if parent else record["name"]


class Country(Model):
    name, title = "res.country", "Country"
    fields = {"name": field("char", "Country Name", required=True), "code": field("char", "Country Code")}


class Tag(Model):
    name, title = "res.partner.category", "Partner Tags"
    fields = {"name": field("char", "Tag Name", required=True)}


class Users(Model):
    name, title = "res.users", "User"
    fields = {"name": field("char", "Name", required=True), "login": field("char", "Login", required=True), "active": field("boolean", "Active", default=True)}
    writers = ("Administration/Access Rights",)


class Product(Model):
    name, title, kept_messages = "product.product", "Product Variant", True
    fields = {
        "name": field("char", "Name", required=True),
        "default_code": field("char", "Internal Reference"),
        "list_price": field("float", "Sales Price", default=0.0),
        "description_sale": field("text", "Sales Description"),
        "qty_available": field("float", "Quantity On Hand", readonly=True, default=25.0),
        "type": field("selection", "Product Type", selection=[["consu", "Goods"], ["service", "Service"]], default="consu"),
        "product_tmpl_id": field("many2one", "Product Template", relation="product.template"),
        "active": field("boolean", "Active", default=True),
    }

    def _display_name(self, record):
        return f"[{record['default_code']}] {record['name']}" if record.get("default_code") else record["name"]


class Template(Product):
    name, title = "product.template", "Product"
    fields = {k: v for k, v in Product.fields.items() if k != "product_tmpl_id"}


class Order(Model):
    name, title, kept_messages = "sale.order", "Sales Order", True
    fields = {
        "name": field("char", "Order Reference", required=True, default="New"),
        "partner_id": field("many2one", "Customer", required=True, relation="res.partner"),
        "date_order": field("datetime", "Order Date", required=True),
        "state": field("selection", "Status", readonly=True, selection=[["draft", "Quotation"], ["sent", "Quotation Sent"], ["sale", "Sales Order"], ["cancel", "Cancelled"]], default="draft"),
        "order_line": field("one2many", "Order Lines", relation="sale.order.line", inverse="order_id", default=[]),
        "amount_untaxed": field("monetary", "Untaxed Amount", readonly=True, default=0.0),
        "amount_total": field("monetary", "Total", readonly=True, default=0.0),
        "currency_id": field("many2one", "Currency", relation="res.currency", default=1),
        "invoice_status": field("selection", "Invoice Status", readonly=True, selection=[["no", "Nothing to Invoice"], ["to invoice", "To Invoice"]], default="no"),
        "note": field("html", "Terms and conditions"),
        "user_id": field("many2one", "Salesperson", relation="res.users"),
    }

    def _create(self, values):
        now = self.database.now()
        numbered = {"name": f"S{self.last_id + 1:05}", "date_order": now, "user_id": self.database.env.uid}
        return super()._create(numbered | values)

    def _changed(self, record):
        lines = [self.database.models["sale.order.line"].records[i] for i in record["order_line"]]
        untaxed = round(sum(line["price_subtotal"] for line in lines), 2)
        record |= {"amount_untaxed": untaxed, "amount_total": round(untaxed * (1 + TAX), 2)}

    def _before_unlink(self, record):
        if record["state"] not in ("draft", "cancel"):
            raise UserError("You can not delete a sent quotation or a confirmed sales order. You must first cancel it.")

    def action_confirm(self, ids):
        self._check("modify", self.writers)
        for id in self._existing(ids):
            if self.records[id]["state"] not in ("draft", "sent"):
                raise UserError("Some orders are not in a state requiring confirmation.")
            self.records[id] |= {"state": "sale", "invoice_status": "to invoice"}
        return True

    def action_cancel(self, ids):
        for id in self._existing(ids):
            self.records[id] |= {"state": "cancel", "invoice_status": "no"}
        return True


class OrderLine(Model):
    name, title = "sale.order.line", "Sales Order Line"
    fields = {
        "name": field("text", "Description"),
        "order_id": field("many2one", "Order Reference", required=True, relation="sale.order"),
        "product_id": field("many2one", "Product", relation="product.product"),
        "product_uom_qty": field("float", "Quantity", required=True, default=1.0),
        "price_unit": field("float", "Unit Price"),
        "price_subtotal": field("monetary", "Subtotal", readonly=True, default=0.0),
    }

    def _changed(self, record):
        product = self.database.models["product.product"].records.get(record.get("product_id") or 0)
        if product:
            record.setdefault("price_unit", product["list_price"])
            record.setdefault("name", self.database.models["product.product"]._display_name(product))
        record["price_subtotal"] = round(record["product_uom_qty"] * (record.get("price_unit") or 0.0), 2)
        order = self.database.models["sale.order"]
        if record["id"] in order.records[record["order_id"]]["order_line"]:
            order._changed(order.records[record["order_id"]])


class Currency(Model):
    name, title = "res.currency", "Currency"
    fields = {"name": field("char", "Currency", required=True)}


class Stage(Model):
    name, title = "crm.stage", "CRM Stages"
    fields = {"name": field("char", "Stage Name", required=True)}


class Lead(Model):
    name, title, kept_messages = "crm.lead", "Lead/Opportunity", True
    readers = writers = ("Sales/Administrator", "Sales/User: Own Documents Only")
    fields = {
        "name": field("char", "Opportunity", required=True),
        "type": field("selection", "Type", required=True, selection=[["lead", "Lead"], ["opportunity", "Opportunity"]], default="opportunity"),
        "partner_id": field("many2one", "Customer", relation="res.partner"),
        "email_from": field("char", "Email"),
        "stage_id": field("many2one", "Stage", relation="crm.stage", default=1),
        "user_id": field("many2one", "Salesperson", relation="res.users", default=2),
        "expected_revenue": field("monetary", "Expected Revenue", default=0.0),
        "probability": field("float", "Probability", default=10.0),
        "date_deadline": field("date", "Expected Closing"),
        "tag_ids": field("many2many", "Tags", relation="res.partner.category"),
        "description": field("html", "Notes"),
        "active": field("boolean", "Active", default=True),
    }


class Message(Model):
    name, title = "mail.message", "Message"
    fields = {
        "model": field("char", "Related Document Model"),
        "res_id": field("integer", "Related Document ID"),
        "body": field("html", "Contents"),
        "message_type": field("char", "Type"),
        "is_internal": field("boolean", "Employee Only"),
    }


class Parameter(Model):
    name, title = "ir.config_parameter", "System Parameter"
    readers = writers = ("Administration/Settings",)
    fields = {"key": field("char", "Key", required=True), "value": field("text", "Value", required=True)}


class IrModel(Model):
    name, title = "ir.model", "Models"
    writers = ("Administration/Access Rights",)
    readers = ("Sales/User: Own Documents Only", "Administration/Access Rights")
    fields = {
        "name": field("char", "Model Description", required=True),
        "model": field("char", "Model", required=True),
        "state": field("selection", "Type", selection=[["manual", "Custom Object"], ["base", "Base Object"]], default="base"),
        "modules": field("char", "In Apps"),
        "transient": field("boolean", "Transient Model", default=False),
    }

    def get_available_models(self):
        def readable(model):
            return model.check_access_rights("read", raise_exception=False)

        return [{"model": name, "display_name": model.title} for name, model in self.database.models.items() if readable(model)]


MODELS = [IrModel, Users, Country, Currency, Tag, Partner, Template, Product, Order, OrderLine, Stage, Lead, Message, Parameter]

# uid -> logins, password (None: only keys hold, as with two-factor login), API keys, groups
USERS = {
    2: ("Mitchell Admin", ["admin"], "admin", [], {"admin"}),
    6: ("Marc Demo", ["demo@example.com", "demo"], "demo", ["demo-api-key"], {"user", "Sales/User: Own Documents Only"}),
    7: ("Joel Portal", ["portal@example.com", "portal"], "portal", ["portal-api-key"], {"portal", "user"}),
    8: ("Anna Two-Factor", ["totp@example.com"], None, ["totp-api-key"], {"user", "Sales/User: Own Documents Only"}),
}

PRODUCTS = [
    ("Office Chair Ergo", "FURN-0001", 249.00),
    ("Standing Desk 160", "FURN-0002", 599.00),
    ("Desk Lamp LED", "FURN-0003", 39.90),
    ("Wireless Headphones Pro", "ELEC-0101", 199.00),
    ("USB-C Dock 8-in-1", "ELEC-0102", 129.00),
    ("27 inch 4K Monitor", "ELEC-0103", 449.00),
    ("Mechanical Keyboard BR", "ELEC-0104", 89.00),
    ("Espresso Machine Duo", "KITC-0201", 329.00),
    ("Coffee Beans 1 kg", "KITC-0202", 24.50),
    ("Water Bottle Steel 1 L", "KITC-0203", 19.90),
    ("Notebook A5 Dotted", "STAT-0301", 7.90),
    ("Gel Pen Set 12", "STAT-0302", 12.90),
]

COMPANIES = [("Azure Interior", "United States"), ("Deco Addict", "United States"), ("Café do Porto ☕😀", "Brazil"), ("Gemini Furniture", "Belgium")]
PEOPLE = [("Ana Souza", "ana@example.com"), ("Bruno Lima", "bruno@example.com"), ("Carla Dias", "carla@example.com")]
IMAGE = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="


def fill(database):
    """The demo records, created through the models themselves as the administrator."""
    models = database.models

    def make(of, **values):
        return models[of]._create(values)

    for uid, (name, logins, *_) in USERS.items():
        models["res.users"].last_id = uid - 1
        make("res.users", name=name, login=logins[0])
    for name, model in models.items():
        make("ir.model", name=model.title, model=name, modules="base")
    make("res.currency", name="USD")
    countries = {name: make("res.country", name=name, code=code) for name, code in (("Belgium", "BE"), ("Brazil", "BR"), ("United States", "US"))}
    vip = make("res.partner.category", name="VIP")
    make("res.partner", name="YourCompany", email="info@yourcompany.example.com", is_company=True, country_id=countries["United States"], image_128=IMAGE)
    companies = [make("res.partner", name=n, is_company=True, country_id=countries[c], email=f"info{i}@example.com") for i, (n, c) in enumerate(COMPANIES)]
    for i, (name, email) in enumerate(PEOPLE):
        make("res.partner", name=name, email=email, phone=f"+55 11 5555-010{i}", country_id=countries["Brazil"], category_id=[[6, 0, [vip]]] if i == 0 else [])
    make("res.partner", name="Brandon Freeman", parent_id=companies[0], email="brandon@example.com")
    make("res.partner", name="Old Customer", active=False)
    for name, code, price in PRODUCTS:
        template = make("product.template", name=name, default_code=code, list_price=price)
        make("product.product", name=name, default_code=code, list_price=price, product_tmpl_id=template)
    for stage in ("New", "Qualified", "Proposition", "Won"):
        make("crm.stage", name=stage)
    for i, name in enumerate(["Quote for 12 Tables", "Office Design and Architecture", "Distributor Contract 🚚", "Need 20 Desks"]):
        make("crm.lead", name=name, partner_id=companies[i % 4] if i else False, expected_revenue=40000.0 / (i + 1), stage_id=i % 3 + 1, date_deadline="2026-12-15")
    for i, months in enumerate((3, 2, 2, 1, 0)):
        order = make("sale.order", partner_id=companies[i % 4], order_line=[[0, 0, {"product_id": i + 1, "product_uom_qty": 2.0}]])
        when = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=30 * months)
        models["sale.order"].records[order] |= {"date_order": f"{when:%Y-%m-%d} 09:01:00", "state": "sale" if i % 2 else "draft"}
    make("ir.config_parameter", key="database.secret", value="nobody reads this")
