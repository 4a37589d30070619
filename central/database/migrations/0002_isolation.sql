-- What Central found when it last asked a worker whether it takes builds.
alter table workers add column not_ready_reason text;
alter table workers add column not_ready_since timestamptz;
alter table workers add column checked_at timestamptz;
alter table workers add check ((not_ready_reason is null) = (not_ready_since is null));

-- Where a build's packets went, as the rules of its network counted them.
create table deployment_egress (
  deployment_id bigint not null references deployment_history on delete cascade,
  address inet not null,
  port integer not null check (port between 0 and 65535),
  protocol text not null check (protocol in ('tcp', 'udp', 'icmp')),
  bytes bigint not null check (bytes >= 0),
  primary key (deployment_id, address, port, protocol)
);

-- Somebody with write permission let one exact commit of a fork's pull request be built.
create table approvals (
  site_id bigint not null references sites on delete cascade,
  commit_sha text not null check (commit_sha ~ '^[0-9a-f]{40}$'),
  -- github: a login, whose permission was checked at GitHub; token: an operator token's name
  approver_kind text not null check (approver_kind in ('github', 'token')),
  approver text not null,
  created_at timestamptz not null default now(),
  primary key (site_id, commit_sha)
);

-- A deployment config's own build variables; trusted builds alone get them.
create table build_variables (
  config_id bigint not null references deployment_config on delete cascade,
  name text not null check (name ~ '^[A-Za-z_][A-Za-z0-9_]{0,127}$'),
  -- sealed as worker_keys.key_sealed is
  value_sealed bytea not null,
  updated_at timestamptz not null default now(),
  primary key (config_id, name)
);
