-- Functions that run as the owner: the membership check behind every policy, and the few things
-- that must work before or across a scope. They give out ids, codes and instants only.

create schema app;
grant usage on schema app to holdfast_app;

-- The organization of this transaction, if the member it names is active there; otherwise null,
-- which no row equals.
create function app.current_org() returns uuid
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
    return (
        select m.org_id from public.memberships m
        where m.org_id = nullif(current_setting('app.org', true), '')::uuid
          and m.id = nullif(current_setting('app.member', true), '')::uuid
          and m.active
    );
end $$;

-- An organization with its service member; the caller makes both ids.
create function app.create_organization(
    org uuid, organization_name text, zone text, country_code text, is_demo boolean,
    service_member uuid
) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    insert into public.organizations (id, name, timezone, country, demo)
    values (org, organization_name, zone, country_code, is_demo);
    insert into public.memberships (org_id, id, service, roles)
    values (org, service_member, true, '{}');
end $$;

-- The person with this mail address, made where missing. The name of a known person stays.
create function app.ensure_user(new_id uuid, mail text, person_name text) returns uuid
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare found_id uuid;
begin
    insert into public.users (id, email, name) values (new_id, mail, person_name)
    on conflict (lower(email)) do nothing;
    select u.id into found_id from public.users u where lower(u.email) = lower(mail);
    return found_id;
end $$;

-- Who bears this token, if it is valid and its member active. Last use is kept to the minute.
create function app.resolve_token(digest bytea)
returns table (token_id uuid, org_id uuid, member_id uuid, roles text[], scopes text[])
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    update public.api_tokens t set last_used_at = now()
    where t.sha256 = digest
      and (t.last_used_at is null or t.last_used_at < now() - interval '1 minute');
    return query
        select t.id, t.org_id, t.member_id, m.roles, t.scopes
        from public.api_tokens t
        join public.memberships m on m.org_id = t.org_id and m.id = t.member_id
        where t.sha256 = digest and m.active and t.revoked_at is null
          and (t.expires_at is null or t.expires_at > now());
end $$;

-- Organizations by id, or by name where there is one of that name alone.
create function app.find_organization(wanted text)
returns table (org_id uuid, service_id uuid)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
    return query
        select o.id, m.id from public.organizations o
        join public.memberships m on m.org_id = o.id and m.service
        where o.id::text = lower(wanted)
           or (o.name = wanted
               and (select count(*) from public.organizations s where s.name = wanted) = 1);
end $$;

-- Organizations that wait for a worker: "seal", "overdue", "digest" or "own"; "all" names each.
create function app.organizations_with(work text)
returns table (org_id uuid, service_id uuid)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
    return query
        select o.id, m.id from public.organizations o
        join public.memberships m on m.org_id = o.id and m.service
        where case work
            when 'all' then true
            when 'seal' then exists (
                select from public.audit_entries a where a.org_id = o.id and a.seq is null)
            when 'overdue' then exists (
                select from public.executions e
                where e.org_id = o.id and e.status = 'running'
                  and e.next_deadline < clock_timestamp() - interval '1 minute')
            when 'digest' then exists (
                select from public.deliveries d
                where d.org_id = o.id and d.carrier = 'digest'
                  and d.status in ('pending', 'claimed')
                  and (d.not_before is null or d.not_before <= clock_timestamp()))
            when 'own' then exists (
                select from public.deliveries d
                where d.org_id = o.id and d.carrier = 'own'
                  and d.status in ('pending', 'claimed')
                  and (d.not_before is null or d.not_before <= clock_timestamp()))
            else false
        end
        order by o.id;
end $$;

-- Takes executions with untold transitions, people's first, until the lease ends. An execution
-- that another claim holds is left to it, so that its transitions are told in order.
create function app.claim_relay(most integer, lease interval, grace interval)
returns table (
    org_id uuid, service_id uuid, execution_id uuid, first_number integer, last_number integer
)
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare instant timestamptz := clock_timestamp();
begin
    return query
        with picked as (
            select r.org_id, r.execution_id, r.number from public.relay r
            where (r.lease_until is null or r.lease_until < instant)
              and (r.bulk or r.created_at <= instant - grace)
              and not exists (
                  select from public.relay o
                  where o.org_id = r.org_id and o.execution_id = r.execution_id
                    and o.lease_until >= instant)
            order by r.bulk, r.created_at
            limit most
            for update skip locked
        ), taken as (
            update public.relay r
            set lease_until = instant + lease, attempts = r.attempts + 1
            from picked p
            where r.org_id = p.org_id and r.execution_id = p.execution_id and r.number = p.number
            returning r.org_id, r.execution_id, r.number, r.created_at
        )
        select t.org_id, m.id, t.execution_id, min(t.number), max(t.number)
        from taken t
        join public.memberships m on m.org_id = t.org_id and m.service
        group by t.org_id, m.id, t.execution_id
        order by min(t.created_at);
end $$;

-- Chains entries that are unsealed, and moves the head; refuses a gap or another head.
create function app.seal(
    entries uuid[], first_seq bigint, prev_hashes bytea[], hashes bytea[]
) returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    org uuid := app.current_org();
    known record;
    sealed integer;
begin
    if org is null then
        raise exception 'no organization in scope' using errcode = '42501';
    end if;
    select h.seq, h.hash into known from public.audit_heads h where h.org_id = org for update;
    if first_seq <> coalesce(known.seq, 0) + 1
       or (known.hash is not null and known.hash <> prev_hashes[1]) then
        raise exception 'the chain has another head' using errcode = '40001';
    end if;
    update public.audit_entries a
    set seq = first_seq + n.place - 1, prev_hash = n.prev, hash = n.own
    from unnest(entries, prev_hashes, hashes) with ordinality as n (id, prev, own, place)
    where a.org_id = org and a.id = n.id and a.seq is null;
    get diagnostics sealed = row_count;
    if sealed <> cardinality(entries) then
        raise exception 'an entry was sealed before' using errcode = '40001';
    end if;
    insert into public.audit_heads (org_id, seq, hash)
    values (org, first_seq + sealed - 1, hashes[sealed])
    on conflict (org_id) do update
    set seq = excluded.seq, hash = excluded.hash, sealed_at = now();
    return sealed;
end $$;

-- The service member carries every open execution: it can neither be switched off nor removed.
create function app.keep_service_member() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    if old.service and (tg_op = 'DELETE' or not new.active or not new.service) and exists (
        select from public.executions e where e.org_id = old.org_id and e.status <> 'ended'
    ) then
        raise exception 'the service member has open executions'
            using errcode = '23514', constraint = 'service_member_stays';
    end if;
    return coalesce(new, old);
end $$;

create trigger keep_service_member before update or delete on public.memberships
for each row execute function app.keep_service_member();

revoke execute on all functions in schema app from public;
grant execute on all functions in schema app to holdfast_app;
revoke execute on function app.keep_service_member() from holdfast_app;
