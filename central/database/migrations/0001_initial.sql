-- A zone or tenant: its allowed domain suffixes and the form of its sites' URLs.
create table environments (
  id bigint generated always as identity primary key,
  name text not null unique check (name ~ '^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$'),
  domain_suffixes text[] not null check (cardinality(domain_suffixes) > 0),
  sites_url text not null check (sites_url ~ '^https?://[{]host[}](:[0-9]{1,5})?$'),
  created_at timestamptz not null default now()
);

-- An endpoint that builds and serves one environment's sites.
create table workers (
  id text primary key check (id ~ '^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$'),
  environment_id bigint not null references environments,
  endpoint text not null,
  enabled boolean not null default true,
  created_at timestamptz not null default now(),
  seen_at timestamptz
);
-- An environment has one enabled worker at a time; more capacity is more environments.
create unique index workers_one_enabled on workers (environment_id) where enabled;
create index workers_environment on workers (environment_id);

-- Signing keys, one kid per worker and direction; several are active at once while rotating.
create table worker_keys (
  kid text primary key check (kid ~ '^[a-z0-9-]{1,32}$'),
  worker_id text not null references workers on delete cascade,
  direction text not null check (direction in ('to_worker', 'to_central')),
  -- AES-256-GCM under CENTRAL_SECRET_KEY: 12 bytes of nonce, the ciphertext, 16 bytes of tag
  key_sealed bytea not null,
  created_at timestamptz not null default now(),
  retired_at timestamptz
);
create index worker_keys_worker on worker_keys (worker_id);

-- Where a repository's sites go and how they are built; one row per repository.
create table deployment_config (
  id bigint generated always as identity primary key,
  github_org text not null,
  github_repo text not null,
  repository_id bigint not null unique,
  installation_id bigint not null,
  default_branch text not null,
  environment_id bigint not null references environments,
  domain text not null,
  subdomain text not null default '',
  production_host text not null generated always as (case when subdomain = '' then domain else subdomain || '.' || domain end) stored,
  site_type text not null default 'auto' check (site_type in ('auto', 'sveltekit', 'vite', 'zola', 'static', 'custom')),
  build_command text not null default '',
  output_dir text not null default '',
  root_dir text not null default '',
  preview_label text not null check (preview_label ~ '^[a-z0-9]([a-z0-9-]{0,45}[a-z0-9])?$'),
  forks text not null default 'approve' check (forks in ('off', 'approve', 'on')),
  enabled boolean not null default true,
  -- set by a removal with its sites: nothing is deployed any more, and the row goes with its last site
  deleting boolean not null default false,
  created_at timestamptz not null default now(),
  unique (domain, preview_label),
  unique (production_host),
  check (site_type <> 'custom' or (build_command <> '' and output_dir <> ''))
);
create index deployment_config_environment on deployment_config (environment_id);

-- One host that is served: a repository's default branch, or one pull request's preview.
create table sites (
  id bigint generated always as identity primary key,
  config_id bigint not null references deployment_config,
  repository_id bigint not null,
  kind text not null check (kind in ('preview', 'production')),
  pull_request bigint check (pull_request > 0),
  host text not null unique check (host = lower(host) and length(host) <= 253),
  -- Rises with every new desired commit, close, redeploy, rollback and reassignment. Nothing lower ever wins.
  generation bigint not null default 0 check (generation >= 0),
  -- wanted: a commit should be live; removing: its worker was or will be asked to remove it; removed: nothing of it is served
  state text not null default 'wanted' check (state in ('wanted', 'removing', 'removed')),
  -- the worker that has the site's files; null before the first dispatch
  worker_id text references workers on delete set null,
  live_deployment bigint,
  -- the pull request's comment at GitHub, and the SHA-256 of the body that GitHub has
  comment_id bigint,
  comment_digest text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  check ((kind = 'preview') = (pull_request is not null))
);
create unique index sites_one_production on sites (config_id) where kind = 'production';
create unique index sites_one_preview on sites (config_id, pull_request) where kind = 'preview';
create index sites_repository on sites (repository_id, pull_request);

-- One attempt to make one commit live at one site.
create table deployment_history (
  id bigint generated always as identity primary key,
  site_id bigint not null references sites on delete cascade,
  generation bigint not null check (generation > 0),
  commit_sha text not null check (commit_sha ~ '^[0-9a-f]{40}$'),
  branch text not null,
  trust text not null default 'repository' check (trust in ('repository', 'fork')),
  state text not null check (state in (
    'held', 'queued', 'dispatched', 'cloning', 'building', 'publishing', 'succeeded', 'failed', 'canceled', 'superseded', 'lost')),
  delivery_guid text,
  worker_id text,
  lease_expires_at timestamptz,
  -- why a queued deployment is not with a worker yet: what its pull request is told
  waiting text check (waiting in ('no_worker', 'unreachable', 'busy', 'not_ready', 'github')),
  site_type text,
  image_id text,
  release text,
  release_files bigint,
  release_bytes bigint,
  failure_stage text,
  failure_reason text,
  failure_message text,
  -- {"clone": 120, …}: milliseconds by the worker's monotonic clock
  stage_timings jsonb not null default '{}',
  created_at timestamptz not null default now(),
  dispatched_at timestamptz,
  finished_at timestamptz,
  unique (site_id, generation),
  check ((state = 'failed') = (failure_reason is not null)),
  check ((state in ('succeeded', 'failed', 'canceled', 'superseded', 'lost')) = (finished_at is not null)),
  check ((state in ('dispatched', 'cloning', 'building', 'publishing')) = (lease_expires_at is not null))
);
create index deployment_history_running on deployment_history (lease_expires_at) where lease_expires_at is not null;
-- One running deployment per site at a time.
create unique index deployment_history_one_running on deployment_history (site_id)
  where state in ('dispatched', 'cloning', 'building', 'publishing');
-- One newest pending deployment per site.
create unique index deployment_history_one_pending on deployment_history (site_id) where state in ('held', 'queued');
alter table sites add foreign key (live_deployment) references deployment_history on delete set null;

-- A deployment's log, line by line as the worker sent it: stripped of control characters, bounded in lines.
create table deployment_log_lines (
  deployment_id bigint not null references deployment_history on delete cascade,
  line_number bigint not null check (line_number > 0),
  line text not null,
  primary key (deployment_id, line_number)
);

-- One webhook as GitHub sent it, by its GUID. The row is the inbox: what is 'received' is still to be done.
create table webhook_deliveries (
  guid text primary key,
  event text not null,
  body text not null,
  received_at timestamptz not null default now(),
  state text not null default 'received' check (state in ('received', 'processed', 'ignored', 'rejected', 'superseded', 'dead')),
  -- why it was ignored, rejected or given up
  reason text,
  attempts integer not null default 0,
  next_attempt_at timestamptz not null default now(),
  finished_at timestamptz,
  check ((state = 'received') = (finished_at is null))
);
-- lz4 doubles what one disk takes in; not every build of PostgreSQL has it, and the default serves as well.
do $$ begin
  alter table webhook_deliveries alter column body set compression lz4;
exception when feature_not_supported then null;
end $$;
create index webhook_deliveries_inbox on webhook_deliveries (next_attempt_at) where state = 'received';

-- A nonce counts once within the window of signatures.
create table signature_nonces (
  kid text not null,
  nonce text not null,
  expires_at timestamptz not null,
  primary key (kid, nonce)
);
create index signature_nonces_expiry on signature_nonces (expires_at);

-- Bearer tokens of operators and services; the token itself is stored nowhere.
create table operator_tokens (
  id bigint generated always as identity primary key,
  name text not null unique check (name ~ '^[a-z0-9]([a-z0-9._-]{0,62}[a-z0-9])?$'),
  scope text not null check (scope in ('read', 'write')),
  token_hash bytea not null unique check (length(token_hash) = 32),
  created_at timestamptz not null default now(),
  used_at timestamptz,
  revoked_at timestamptz
);
