"""Certificates for a test, made by openssl for this run only, so that none ever runs out."""

import pathlib
import shutil
import subprocess
import tempfile

from outcome import check, skip

__all__ = ["Certificates", "openssl"]

EXPIRED = ("20200101000000Z", "20210101000000Z")
CONFIG = """
[ca]
default_ca = own
[own]
database = {folder}/index
new_certs_dir = {folder}
rand_serial = yes
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
"""


def openssl(*arguments, **options):
    done = subprocess.run(["openssl", *map(str, arguments)], stdin=subprocess.DEVNULL, capture_output=True, **options)
    check(done.returncode == 0, f"openssl {arguments[0]} failed: {done.stderr.decode()}")
    return done.stdout


class Certificates:
    """A folder with an authority, of which issue() makes certificates: files NAME.pem and NAME.key."""

    def __init__(self):
        if shutil.which("openssl") is None:
            skip("there is no openssl")
        self._folder = tempfile.TemporaryDirectory(prefix="cetane-tls-")
        self.folder = pathlib.Path(self._folder.name)
        (self.folder / "index").touch()
        (self.folder / "ca.conf").write_text(CONFIG.format(folder=self.folder))
        self.sign_itself("authority", extensions=())

    def file(self, name):
        return self.folder / f"{name}.pem"

    def key(self, name):
        return self.folder / f"{name}.key"

    def of(self, name):
        """Options for a server that shows this certificate."""
        return ["--tls-cert", self.file(name), "--tls-key", self.key(name)]

    def sign_itself(self, name, extensions=("subjectAltName=DNS:localhost",)):
        own = [word for extension in extensions for word in ("-addext", extension)]
        openssl("req", "-x509", *self._new_key(name), "-days", 2, "-subj", f"/CN={name}", *own, "-out", self.file(name))
        return name

    def issue(self, name, names="DNS:localhost,IP:127.0.0.1", dates=None):
        request, extensions = self.folder / f"{name}.csr", self.folder / f"{name}.ext"
        openssl("req", "-new", *self._new_key(name), "-subj", f"/CN={name}", "-out", request)
        extensions.write_text(f"subjectAltName={names}\n")
        when = ["-startdate", dates[0], "-enddate", dates[1]] if dates else ["-days", 2]
        authority = ["-cert", self.file("authority"), "-keyfile", self.key("authority")]
        openssl("ca", "-batch", "-notext", "-config", self.folder / "ca.conf", *authority, *when, "-extfile", extensions, "-in", request, "-out", self.file(name))
        return name

    def issue_expired(self, name):
        return self.issue(name, dates=EXPIRED)

    def _new_key(self, name):
        return ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc", "-keyout", self.key(name)]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._folder.cleanup()
