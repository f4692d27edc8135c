# Belfry: real-time messaging, library and broker.
# SPDX-License-Identifier: Apache-2.0

"""Certificates for servers of tests, made by `openssl` in a folder that the caller throws away."""

import os
import ssl
import subprocess


class Certificates:
    def __init__(self, folder):
        self.folder = folder
        self.authority = self._path("authority.pem")
        self._make("authority", "-x509", "-days", "2", "-subj", "/CN=Belfry test authority")

    def _path(self, name):
        return os.path.join(self.folder, name)

    def _make(self, name, *arguments):
        self._run("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                  "-keyout", self._path(name + ".key"), "-out", self._path(name + ".pem"), *arguments)

    def _run(self, *arguments):
        subprocess.run(["openssl", *arguments], check=True, capture_output=True)

    def issue(self, name, hosts, days=2):
        """A certificate for hosts as "DNS:localhost,IP:127.0.0.1", by the authority. Of 0 days, it is over at once."""
        self._make(name, "-subj", "/CN=" + name)
        with open(self._path(name + ".ext"), "w") as file:
            file.write("subjectAltName=%s\n" % hosts)
        self._run("x509", "-req", "-in", self._path(name + ".pem"), "-CA", self.authority,
                  "-CAkey", self._path("authority.key"), "-CAcreateserial", "-days", str(days),
                  "-extfile", self._path(name + ".ext"), "-out", self._path(name + ".pem"))
        return self.context(name)

    def self_signed(self, name, hosts):
        self._make(name, "-x509", "-days", "2", "-subj", "/CN=" + name, "-addext", "subjectAltName=" + hosts)
        return self.context(name)

    def context(self, name):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._path(name + ".pem"), self._path(name + ".key"))
        context.set_alpn_protocols(["http/1.1"])
        return context
