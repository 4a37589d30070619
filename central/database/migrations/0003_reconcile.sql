-- evicted: the worker removed a preview to make room; it comes back with its next generation.
-- contract: one state more is allowed; what was allowed stays so
alter table sites drop constraint sites_state_check;
-- contract: the wider rule in its place
alter table sites add constraint sites_state_check check (state in ('wanted', 'removing', 'removed', 'evicted'));
-- contract: only of the new state, which the version before does not write
alter table sites add check (state <> 'evicted' or kind = 'preview');

-- The branch's head that a rollback went back from: while GitHub's head is still this one, nothing newer is deployed here by itself.
alter table sites add column pinned_from text check (pinned_from ~ '^[0-9a-f]{40}$');
-- When its worker's disk was last compared with this row.
alter table sites add column compared_at timestamptz;

-- At most so many of a repository's deployments run at once.
alter table deployment_config add column max_running integer not null default 2 check (max_running between 1 and 100);
-- When its branch and pull requests were last compared with GitHub.
alter table deployment_config add column looked_at timestamptz;

-- contract: one reason more is allowed; what was allowed stays so
alter table deployment_history drop constraint deployment_history_waiting_check;
-- contract: the wider rule in its place
alter table deployment_history add constraint deployment_history_waiting_check
  check (waiting in ('no_worker', 'unreachable', 'busy', 'not_ready', 'github', 'repository_busy'));
-- An existing release of this site to make live again, without a clone or a build.
alter table deployment_history add column from_release text check (from_release ~ '^[1-9][0-9]{0,18}-[0-9a-f]{8}$');

-- When the worker's sites were last compared with the tables, and what its disk had then.
alter table workers add column compared_at timestamptz;
alter table workers add column free_bytes bigint;
alter table workers add column total_bytes bigint;

-- What runs once for all replicas every so often: when it last began.
create table periodic_work (
  name text primary key,
  began_at timestamptz not null
);

-- What went wrong and was repaired, by kind, since the database was made.
create table repairs (
  kind text primary key check (kind ~ '^[a-z][a-z0-9_]{0,63}$'),
  count bigint not null default 0 check (count >= 0),
  last_at timestamptz not null default now()
);
