-- The state machines, kept by the database itself: the statements that change a state are guarded by the state they come from, and what a mistake,
-- an older replica or a hand would do all the same is refused here.

create function check_deployment_transition() returns trigger language plpgsql as $$
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
    when 'held' then array['queued', 'superseded']
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
-- contract: these are the transitions that the version before makes
create trigger deployment_history_transition
  before insert or update of state, site_id, generation, commit_sha, trust, from_release on deployment_history
  for each row execute function check_deployment_transition();

create function check_site_transition() returns trigger language plpgsql as $$
begin
  if new.generation < old.generation then
    raise exception 'the generation of site % is % and never falls, to % neither', old.id, old.generation, new.generation
      using errcode = 'check_violation', table = 'sites', constraint = 'sites_generation_rises';
  end if;
  if new.state = old.state then
    return new;
  end if;
  if not (new.state = any (case old.state
    when 'wanted' then array['removing', 'evicted']
    when 'removing' then array['removed', 'wanted']
    -- removing again: its worker still had it
    when 'removed' then array['wanted', 'removing']
    when 'evicted' then array['wanted', 'removing']
    else array[]::text[] end)) then
    raise exception 'site % is %, and cannot become %', old.id, old.state, new.state
      using errcode = 'check_violation', table = 'sites', constraint = 'sites_transition';
  end if;
  -- The end of a removal is not a new wish: its worker answers for the generation that it was asked for.
  if new.state <> 'removed' and new.generation = old.generation then
    raise exception 'site % becomes % only under a new generation', old.id, new.state
      using errcode = 'check_violation', table = 'sites', constraint = 'sites_generation_rises';
  end if;
  return new;
end $$;
-- contract: these are the transitions that the version before makes
create trigger sites_transition before update of state, generation on sites
  for each row execute function check_site_transition();

-- Counting what runs of a repository reads its sites and these.
create index sites_config on sites (config_id);
