"""What an EC2 machine finds around it, on the machine itself: the instance
metadata service at its own address (on another port,
for 80 is Nginx' here), and S3 and the Parameter Store on loopback.
That requests are signed as AWS wants it is tested in cloudinit; here they only
have to be signed."""

import http.server
import json
import os
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
TOKEN = "metadata-token"
METADATA = {
    "instance-id": "i-0123456789abcdef0",
    "ami-id": "ami-0123456789abcdef0",
    "local-hostname": "ip-10-20-0-5.eu-central-1.compute.internal",
    "hostname": "ip-10-20-0-5.eu-central-1.compute.internal",
    "local-ipv4": "10.20.0.5",
    "iam/security-credentials/": "api-machine",
    "iam/security-credentials/api-machine": json.dumps(
        {"Code": "Success", "AccessKeyId": "ASIAEXAMPLE", "SecretAccessKey": "secret", "Token": "session", "Expiration": "2099-01-01T00:00:00Z"}, indent=2
    ),
}


class Quiet(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, body, status=200):
        body = body.encode() if isinstance(body, str) else body
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Metadata(Quiet):
    def do_PUT(self):
        self.answer(TOKEN)

    def do_GET(self):
        path = self.path.lstrip("/").split("/", 1)[-1]
        key = path.removeprefix("meta-data/")
        if key.startswith("iam/") and self.headers.get("X-aws-ec2-metadata-token") != TOKEN:
            return self.answer("", 401)
        if path == "user-data":
            with open(HERE + "/user-data", "rb") as f:
                return self.answer(f.read())
        if path in ("meta-data", "meta-data/"):
            return self.answer("\n".join(k for k in METADATA if "/" not in k))
        if key in METADATA:
            return self.answer(METADATA[key])
        return self.answer("", 404)


class Services(Quiet):
    def signed(self):
        return (
            self.headers.get("Authorization", "").startswith("AWS4-HMAC-SHA256 Credential=ASIAEXAMPLE/")
            and self.headers.get("x-amz-security-token") == "session"
        )

    def do_GET(self):
        file = HERE + "/bucket" + self.path
        if not self.signed():
            return self.answer("", 403)
        if not os.path.isfile(file):
            return self.answer("", 404)
        with open(file, "rb") as f:
            return self.answer(f.read())

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if not self.signed() or asked["Names"] != ["/escala/aws-ec2/DATABASE_URL"]:
            return self.answer("", 400)
        return self.answer(json.dumps({"Parameters": [{"Name": asked["Names"][0], "Value": "postgres://it's one"}], "InvalidParameters": []}))


services = http.server.ThreadingHTTPServer(("127.0.0.1", 8099), Services)
threading.Thread(target=services.serve_forever, daemon=True).start()
http.server.ThreadingHTTPServer(("169.254.169.254", 8081), Metadata).serve_forever()
