"""Run by the clients' own interpreter: sends one of each call through a real client, then waits for it."""

import sys
from datetime import UTC, datetime

client_name, address, key, experiment = sys.argv[1:]
if client_name == "rudder":
    from rudderstack.analytics import Client
else:
    from segment.analytics import Client

AT = datetime(2026, 3, 1, 8, 30, tzinfo=UTC)
failed = []
client = Client(key, host=address, gzip=True, on_error=lambda error, _: failed.append(error), max_retries=0)
for _ in range(2):  # the same ids again, as after a crash that lost the answer
    client.track("u1", "Order Completed", {"revenue": 25, "products": [1]}, timestamp=AT, message_id="m1")
    arm = {"experiment_id": experiment, "variation_id": "prefilled"}
    client.track("u1", "Experiment Viewed", arm, timestamp=AT, message_id="m2")
    client.track(anonymous_id="a1", event="Called", timestamp=AT, message_id="m3")
    client.identify("u1", {"plan": "gold"})
    client.page("u1", "Docs", "Python")
    client.screen("u1", "Docs", "Python")
    client.group("u1", "g1", {"size": 3})
    client.alias("a1", "u1")
    client.flush()
client.join()
sys.exit(f"failed: {failed}" if failed else 0)
