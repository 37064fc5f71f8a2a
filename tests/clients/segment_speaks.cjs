// Sends one of each call through @segment/analytics-node, then waits for it.
const { Analytics } = require("@segment/analytics-node");

const [address, writeKey, experiment] = process.argv.slice(2);
const analytics = new Analytics({ writeKey, host: address, flushAt: 8, maxRetries: 0 });
const failed = [];
analytics.on("error", (error) => failed.push(error));
const timestamp = new Date("2026-03-01T08:30:00Z");
const userId = "u1";
for (let attempt = 0; attempt < 2; attempt += 1) {
  analytics.track({ userId, event: "Order Completed", properties: { revenue: 25, products: [1] }, timestamp, messageId: "m1" });
  const properties = { experiment_id: experiment, variation_id: "prefilled" };
  analytics.track({ userId, event: "Experiment Viewed", properties, timestamp, messageId: "m2" });
  analytics.track({ anonymousId: "a1", event: "Called", timestamp, messageId: "m3" });
  analytics.identify({ userId, traits: { plan: "gold" } });
  analytics.page({ userId, category: "Docs", name: "Python" });
  analytics.screen({ userId, category: "Docs", name: "Python" });
  analytics.group({ userId, groupId: "g1", traits: { size: 3 } });
  analytics.alias({ userId, previousId: "a1" });
}
analytics.closeAndFlush().then(() => {
  console.log("failed", failed);
  process.exit(failed.length ? 1 : 0);
});
