-- When a signature of a worker first came with this key: the worker holds that key file now. Of both directions' keys that were made together (the
-- same created_at) Central uses the one that it knows the worker to have.
alter table worker_keys add column used_at timestamptz;

-- An operator asked for the end of a deployment that a worker has, or may have: the answer to its next report tells it.
alter table deployment_history add column cancel_requested boolean not null default false;

-- Its config has another host for it now: it is served until the site at that host is live, then removed.
alter table sites add column leaving boolean not null default false;
-- contract: made again below, narrower by sites that the version before does not have
drop index sites_one_production;
-- contract: the same
drop index sites_one_preview;
create unique index sites_one_production on sites (config_id) where kind = 'production' and not leaving;
create unique index sites_one_preview on sites (config_id, pull_request) where kind = 'preview' and not leaving;

-- Whoever watches a deployment is told that something of it changed, whichever replica and statement changed it.
create function notify_deployment() returns trigger language plpgsql as $$
begin
  perform pg_notify('catapult_deployment', new.id::text);
  return null;
end $$;
create trigger deployment_history_notify after insert on deployment_history
  for each row execute function notify_deployment();
-- Only of what they are shown: each report renews the lease, and whatever wakes them has the deployment read again.
create trigger deployment_history_notify_change after update on deployment_history
  for each row when (
    (old.state, old.branch, old.trust, old.generation, old.commit_sha, old.waiting, old.worker_id, old.site_type, old.image_id, old.release,
     old.from_release, old.release_files, old.release_bytes, old.failure_stage, old.failure_reason, old.failure_message, old.stage_timings,
     old.delivery_guid, old.requested_by, old.dispatched_at, old.finished_at)
    is distinct from
    (new.state, new.branch, new.trust, new.generation, new.commit_sha, new.waiting, new.worker_id, new.site_type, new.image_id, new.release,
     new.from_release, new.release_files, new.release_bytes, new.failure_stage, new.failure_reason, new.failure_message, new.stage_timings,
     new.delivery_guid, new.requested_by, new.dispatched_at, new.finished_at)
  ) execute function notify_deployment();

create function notify_log_lines() returns trigger language plpgsql as $$
begin
  perform pg_notify('catapult_deployment', changed.deployment_id::text) from (select distinct deployment_id from inserted) changed;
  return null;
end $$;
create trigger deployment_log_lines_notify after insert on deployment_log_lines
  referencing new table as inserted for each statement execute function notify_log_lines();

create function notify_live() returns trigger language plpgsql as $$
begin
  perform pg_notify('catapult_deployment', deployment::text)
    from unnest(array[old.live_deployment, new.live_deployment]) deployment where deployment is not null;
  return null;
end $$;
create trigger sites_notify after update of live_deployment on sites
  for each row when (new.live_deployment is distinct from old.live_deployment) execute function notify_live();

-- An operator may end what nobody has approved yet.
-- contract: one transition more is allowed; what was allowed stays so
create or replace function check_deployment_transition() returns trigger language plpgsql as $$
begin
  if tg_op = 'INSERT' then
    if new.state not in ('held', 'queued') then
      raise exception 'a deployment begins as held or queued, not as %', new.state
        using errcode = 'check_violation', table = 'deployment_history', constraint = 'deployment_history_transition';
    end if;
    -- Whoever wants another commit raises the site's generation first, under the site's lock: two of one generation would be a race undecided.
    if new.generation is distinct from (select generation from sites where id = new.site_id) then
      raise exception 'generation % is not the one of site %', new.generation, new.site_id
        using errcode = 'check_violation', table = 'deployment_history', constraint = 'deployment_history_generation';
    end if;
    return new;
  end if;
  if (new.site_id, new.generation, new.commit_sha, new.trust, new.from_release)
    is distinct from (old.site_id, old.generation, old.commit_sha, old.trust, old.from_release) then
    raise exception 'deployment % is of one commit at one generation of one site, and stays so', old.id
      using errcode = 'check_violation', table = 'deployment_history', constraint = 'deployment_history_stays';
  end if;
  if new.state is distinct from old.state and not (new.state = any (case old.state
    when 'held' then array['queued', 'canceled', 'superseded']
    -- A queued one may have been with a worker whose answer was lost: that worker may report any state of it. It has no lease to lose.
    when 'queued' then array['dispatched', 'cloning', 'building', 'publishing', 'succeeded', 'failed', 'canceled', 'superseded']
    -- The only way back: the worker said, or may have said, that it does not take it.
    when 'dispatched' then array['queued', 'cloning', 'building', 'publishing', 'succeeded', 'failed', 'canceled', 'superseded', 'lost']
    when 'cloning' then array['building', 'publishing', 'succeeded', 'failed', 'canceled', 'superseded', 'lost']
    when 'building' then array['publishing', 'succeeded', 'failed', 'canceled', 'superseded', 'lost']
    when 'publishing' then array['succeeded', 'failed', 'canceled', 'superseded', 'lost']
    -- A final state stays. The release that a worker switched to before it heard of a newer commit is recorded beside 'superseded'.
    else array[]::text[] end)) then
    raise exception 'deployment % is %, and cannot become %', old.id, old.state, new.state
      using errcode = 'check_violation', table = 'deployment_history', constraint = 'deployment_history_transition';
  end if;
  return new;
end $$;
