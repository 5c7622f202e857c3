"""An identity provider as the gateway sees it: a key set at a URL, over TLS with an authority of its own or plain on loopback."""

import datetime
import ipaddress
import json
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from harness import free_port, token
from signing import b64

AUDIENCE = "https://mcp.example.com/mcp"


class IdentityProvider:
    """`answer` is (status, headers, body); publish() makes it a key set. Every path asked for is recorded."""

    def __init__(self, tls_folder=None):
        self.tls_folder = tls_folder
        self.requests = []
        self.private = {}
        self.port = free_port()
        self.server = None
        self.publish("first")
        self.start()

    @property
    def url(self):
        return f"{'https' if self.tls_folder else 'http'}://127.0.0.1:{self.port}/jwks.json?planted-query"

    def key(self, kid):
        return self.private.setdefault(kid, ec.generate_private_key(ec.SECP256R1()))

    def jwk(self, kid):
        numbers = self.key(kid).public_key().public_numbers()
        point = {"x": b64(numbers.x.to_bytes(32, "big")), "y": b64(numbers.y.to_bytes(32, "big"))}
        return {"kty": "EC", "crv": "P-256", "kid": kid, "use": "sig"} | point

    def publish(self, *kids, **headers):
        self.answer = (200, headers, json.dumps({"keys": [self.jwk(kid) for kid in kids]}).encode())

    def token(self, kid, **claims):
        return token(secret=self.key(kid), algorithm="ES256", headers={"kid": kid}, **({"aud": AUDIENCE} | claims))

    def start(self):
        """Also after stop(): on the same port."""
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                provider.requests.append(self.path)
                status, headers, body = provider.answer
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name.replace("_", "-"), value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args):
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            allow_reuse_address = True

            def handle_error(self, request, client_address):
                pass  # clients that distrust us hang up

        self.server = Server(("127.0.0.1", self.port), Handler)
        if self.tls_folder:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self.make_certificate())
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self):
        if self.server:
            self.server.shutdown()
            self.server.server_close()
            self.server = None

    @property
    def ca_file(self):
        return self.tls_folder / "ca.pem"

    def make_certificate(self):
        """An authority (ca_file) and a certificate by it for 127.0.0.1; returns the path of certificate and key."""
        authority, own = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
        ca = certificate("authority", authority, "authority", authority, is_ca=True)
        leaf = certificate("127.0.0.1", own, "authority", authority, is_ca=False)
        self.ca_file.write_bytes(ca.public_bytes(Encoding.PEM))
        path = self.tls_folder / "idp.pem"
        key = own.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        path.write_bytes(leaf.public_bytes(Encoding.PEM) + key)
        return path


def certificate(subject, key, issuer, issuer_key, is_ca):
    def name(text):
        return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])

    now = datetime.datetime.now(datetime.timezone.utc)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name(subject))
        .issuer_name(name(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=2))
        .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
    )
    if not is_ca:
        address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
        builder = builder.add_extension(x509.SubjectAlternativeName([address]), critical=False)
    return builder.sign(issuer_key, hashes.SHA256())
