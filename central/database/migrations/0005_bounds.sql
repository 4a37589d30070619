-- GitHub's deliveries were looked through, and what had failed was asked for again, for all until this moment.
alter table periodic_work add column complete_until timestamptz;

-- Why GitHub takes no comment on a pull request (it is locked, say), and the SHA-256 of the body that it refused: that one is not sent again.
alter table sites add column comment_refusal text;
alter table sites add column comment_refused_digest text;
alter table sites add check ((comment_refusal is null) = (comment_refused_digest is null));

-- What goes by age is found by age.
create index webhook_deliveries_ended on webhook_deliveries (finished_at) where state <> 'received';
create index deployment_history_ended on deployment_history (finished_at);
create index deployment_config_looked_at on deployment_config (looked_at nulls first);

-- How much of a deployment's log is stored; at its cap the log is closed.
alter table deployment_history add column log_bytes bigint not null default 0 check (log_bytes >= 0);
