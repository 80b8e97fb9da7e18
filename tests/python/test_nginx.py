"""The library behind nginx, as configs/nginx.conf is shipped, while its gateways are killed."""

import unittest

import support  # noqa: F401
from cluster import Cluster, GatewayProcess, Nginx
from load import LONG, counted


class BehindNginx(unittest.TestCase):
    def test_with_gateways_killed_every_record_is_there_and_read_once(self) -> None:
        cluster = Cluster(gateways=0)
        self.addCleanup(cluster.close)
        cluster.start()
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


if __name__ == "__main__":
    unittest.main()
