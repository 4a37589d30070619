-- Nothing that a fork's author wrote is ever what a repository's production site shows: whatever code inserts it, the row is refused.
-- A trigger, since the kind is the site's and the trust the deployment's; neither changes afterwards.
create function refuse_fork_in_production() returns trigger language plpgsql as $$
begin
  if new.trust = 'fork' and exists (select from sites where id = new.site_id and kind = 'production') then
    raise exception 'site % is production, and the deployment''s trust is fork', new.site_id
      using errcode = 'check_violation', table = 'deployment_history', constraint = 'deployment_history_no_fork_in_production';
  end if;
  return new;
end $$;
-- contract: no version writes such a row; one that would is to be refused
create trigger deployment_history_no_fork_in_production before insert or update of trust, site_id on deployment_history
  for each row execute function refuse_fork_in_production();

create function refuse_change_of_kind() returns trigger language plpgsql as $$
begin
  raise exception 'site % is %, and stays so', old.id, old.kind
    using errcode = 'check_violation', table = 'sites', constraint = 'sites_kind_stays';
end $$;
-- contract: no version changes a kind
create trigger sites_kind_stays before update of kind on sites
  for each row when (new.kind is distinct from old.kind) execute function refuse_change_of_kind();
