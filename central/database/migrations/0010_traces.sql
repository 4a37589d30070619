-- The W3C traceparent of what brought a delivery in and of what decided a deployment: work that waits in a table goes on in the same trace.
alter table webhook_deliveries add column traceparent text;
alter table deployment_history add column traceparent text;
