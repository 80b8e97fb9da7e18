"""The library behind nginx, as configs/nginx.conf is shipped, while its gateways are killed."""

import http.client
import http.server
import json
import re
import threading
import unittest
from typing import List

import support  # noqa: F401
from cluster import Cluster, GatewayProcess, Nginx
from load import LONG, counted

from pinion import Producer


class LosesAnswers:
    """A gateway that carries out what it is asked and dies before it answers, again and again."""

    def __init__(self, behind: GatewayProcess) -> None:
        self.ids: List[str] = []
        ids = self.ids

        class Asked(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                request_id = self.headers["X-Request-Id"]
                ids.append(request_id)
                host, _, port = behind.address.partition(":")
                asked = http.client.HTTPConnection(host, int(port), timeout=10)
                asked.request("GET", self.path, headers={"X-Request-Id": request_id})
                assert asked.getresponse().status == 200
                asked.close()
                self.close_connection = True  # And no answer.

            def log_message(self, format: str, *what: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Asked)
        self.address = f"127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def new_cluster(test: unittest.TestCase) -> Cluster:
    cluster = Cluster(gateways=0)
    test.addCleanup(cluster.close)
    cluster.start()
    return cluster


class BehindNginx(unittest.TestCase):
    def test_with_gateways_killed_every_record_is_there_and_read_once(self) -> None:
        cluster = new_cluster(self)
        gateways = [GatewayProcess(cluster), GatewayProcess(cluster)]
        for gateway in gateways:
            self.addCleanup(gateway.close)
            gateway.start()
        nginx = Nginx(cluster, gateways)
        self.addCleanup(nginx.close)
        nginx.start()
        with counted(self, [nginx.address]) as load:
            for number in range(2 * LONG):
                load.go_on()
                gateways[number % 2].kill()
                load.go_on()  # On the other one.
                gateways[number % 2].start()

    def test_a_dequeue_that_nginx_repeats_by_itself_gets_the_same_message(self) -> None:
        cluster = new_cluster(self)
        gateway = GatewayProcess(cluster)
        self.addCleanup(gateway.close)
        gateway.start()
        loses = LosesAnswers(gateway)
        self.addCleanup(loses.close)
        nginx = Nginx(cluster, [loses, gateway])
        self.addCleanup(nginx.close)
        nginx.start()
        with Producer(["t"], broker=gateway.address) as producer:
            for number in range(20):
                producer.send("t", str(number))
        host, _, port = nginx.address.partition(":")
        client = http.client.HTTPConnection(host, int(port), timeout=20)
        direct = http.client.HTTPConnection(*gateway.address.split(":"), timeout=20)
        direct.request("POST", "/consumer/register", json.dumps({"topic": "t"}))
        consumer = json.load(direct.getresponse())["consumer_id"]
        # No request id of the client's own: each is nginx's.
        taken = []
        for _ in range(20):
            client.request("GET", f"/consumer/consume?topic=t&consumer_id={consumer}")
            taken.append(json.load(client.getresponse())["message"])
        self.assertEqual(taken, [str(number) for number in range(20)])
        # Some of them went to the one that loses answers first.
        self.assertGreater(len(loses.ids), 2)
        self.assertEqual(len(set(loses.ids)), len(loses.ids))
        for request_id in loses.ids:
            self.assertTrue(re.fullmatch(r".+\..+-\d+\.\d+", request_id), request_id)


if __name__ == "__main__":
    unittest.main()
