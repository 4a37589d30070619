-- A token that is bound to an environment sees and changes that environment alone.
alter table operator_tokens add column environment_id bigint references environments;
create index operator_tokens_environment on operator_tokens (environment_id);

-- Rises with every change by an operator: what an etag is made of.
alter table environments add column version bigint not null default 1;
alter table workers add column version bigint not null default 1;
alter table deployment_config add column version bigint not null default 1;

-- An enabled worker that gets no builds for now.
alter table workers add column draining boolean not null default false;
-- What the worker said of itself when its sites were last listed.
alter table workers add column slots integer check (slots >= 0);
alter table workers add column canary_at timestamptz;
alter table workers add column versions text[] not null default '{}';

-- The token whose holder asked for this deployment; null: a delivery, or Central itself.
alter table deployment_history add column requested_by text;

-- Every write of an operator: who, what, before and after. Secrets are in neither.
create table audit_log (
  id bigint generated always as identity primary key,
  at timestamptz not null default now(),
  token text not null,
  method text not null,
  resource text not null,
  environment text not null default '',
  before jsonb,
  after jsonb
);
create index audit_log_token on audit_log (token, id);
create index audit_log_resource on audit_log (resource, id);
