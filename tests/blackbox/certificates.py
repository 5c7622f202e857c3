"""A certificate authority of the tests' own, and what it (or nobody) vouches for."""

import datetime
import ipaddress
import ssl

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

DAY = datetime.timedelta(days=1)


def name(text):
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])


def written(path, *parts):
    path.write_bytes(b"".join(parts))
    return path


class Authority:
    def __init__(self, folder, called="the tests' authority"):
        self.folder = folder
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = name(called)
        built = self.builder(self.name, self.key, DAY).add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
        self.certificate = built.add_extension(usage, critical=True).sign(self.key, hashes.SHA256())
        self.path = written(folder / "ca.pem", self.certificate.public_bytes(serialization.Encoding.PEM))

    def builder(self, subject, key, valid_for):
        now = datetime.datetime.now(datetime.timezone.utc)
        start = min(now, now + valid_for) - DAY
        builder = x509.CertificateBuilder().subject_name(subject).issuer_name(self.name).public_key(key.public_key())
        return builder.serial_number(x509.random_serial_number()).not_valid_before(start).not_valid_after(now + valid_for)

    def context(self, *hosts, valid_for=DAY):
        """A server's TLS by a certificate for these hosts; valid_for may be negative: it has expired."""
        key = ec.generate_private_key(ec.SECP256R1())
        names = [x509.IPAddress(ipaddress.ip_address(h)) if h[0].isdigit() else x509.DNSName(h) for h in hosts]
        builder = self.builder(name(hosts[0]), key, valid_for).add_extension(x509.SubjectAlternativeName(names), critical=False)
        certificate = builder.sign(self.key, hashes.SHA256())
        secret = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        pair = written(self.folder / f"{certificate.serial_number}.pem", certificate.public_bytes(serialization.Encoding.PEM), secret)
        context.load_cert_chain(pair)
        return context
