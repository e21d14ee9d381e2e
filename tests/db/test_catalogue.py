"""The catalogue: every table protected, the app role without power, functions pinned."""

from __future__ import annotations

from typing import Any

import psycopg

from db import roles
from tests.db.conftest import BY_NAME, TENANT_NAMES


def test_every_table_with_an_organization_is_protected(admin: psycopg.Connection[Any]) -> None:
    rows = admin.execute(
        """
        select c.relname, c.relrowsecurity, c.relforcerowsecurity,
               array(select p.polname || ' ' || pg_get_expr(p.polqual, p.polrelid) || ' '
                            || pg_get_expr(p.polwithcheck, p.polrelid)
                     from pg_policy p
                     where p.polrelid = c.oid and 'holdfast_app'::regrole = any (p.polroles)),
               array(select pg_get_userbyid(r) from pg_policy p, unnest(p.polroles) r
                     where p.polrelid = c.oid)
        from pg_class c
        where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'm', 'v', 'f')
        """
    ).fetchall()
    found = {name: (on, forced, policies, to) for name, on, forced, policies, to in rows}
    assert set(found) == {*BY_NAME, "alembic_version"}
    scope = "(org_id = ( SELECT app.current_org() AS current_org))"
    for name in TENANT_NAMES:
        on, forced, policies, to = found[name]
        assert on and forced, name
        assert policies == [f"tenant {scope} {scope}"], name
        assert set(to) == {"holdfast_app", "holdfast_owner"}, name
    for name in ("organizations", "users"):
        assert found[name][:2] == (True, True)
        assert len(found[name][2]) == 1
        assert "app.current_org()" in found[name][2][0]


def test_the_app_role_owns_nothing_and_may_do_nothing_special(
    admin: psycopg.Connection[Any],
) -> None:
    special = admin.execute(
        """
        select rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolreplication
        from pg_roles where rolname = %s
        """,
        (roles.APP,),
    ).fetchone()
    assert special == (False,) * 5
    owned = admin.execute(
        "select count(*) from pg_shdepend where refobjid = %s::regrole and deptype = 'o'",
        (roles.APP,),
    ).fetchone()
    assert owned == (0,)
    memberships = admin.execute(
        "select count(*) from pg_auth_members where member = %s::regrole", (roles.APP,)
    ).fetchone()
    assert memberships == (0,)
    owner = admin.execute(
        "select rolcanlogin from pg_roles where rolname = %s", (roles.OWNER,)
    ).fetchone()
    assert owner == (False,)


def test_the_app_role_may_truncate_nothing(admin: psycopg.Connection[Any]) -> None:
    for name in BY_NAME:
        for privilege in ("truncate", "references", "trigger"):
            row = admin.execute(
                "select has_table_privilege(%s, %s, %s)",
                (roles.APP, f"public.{name}", privilege),
            ).fetchone()
            assert row == (False,), f"{privilege} on {name}"


def test_every_definer_function_pins_its_search_path(admin: psycopg.Connection[Any]) -> None:
    rows = admin.execute(
        """
        select proname, prosecdef, pg_get_userbyid(proowner), proconfig,
               has_function_privilege('public', oid, 'execute')
        from pg_proc where pronamespace = 'app'::regnamespace
        """
    ).fetchall()
    assert len(rows) >= 8
    for name, definer, owner, config, public in rows:
        assert definer and owner == roles.OWNER, name
        assert config == ["search_path=pg_catalog, pg_temp"], name
        assert not public, name


def test_indexes_begin_with_the_organization(admin: psycopg.Connection[Any]) -> None:
    """So that a policy costs a look-up; the exceptions are read before or across a scope."""
    rows = admin.execute(
        """
        select c.relname, i.relname, a.attname
        from pg_index x
        join pg_class c on c.oid = x.indrelid
        join pg_class i on i.oid = x.indexrelid
        left join pg_attribute a on a.attrelid = c.oid and a.attnum = x.indkey[0]
        where c.relnamespace = 'public'::regnamespace
        """
    ).fetchall()
    others = {index for table, index, first in rows if table in TENANT_NAMES and first != "org_id"}
    assert others == {"ix_api_tokens_sha256", "ix_relay_order"}


def test_references_stay_within_the_organization(admin: psycopg.Connection[Any]) -> None:
    rows = admin.execute(
        """
        select conrelid::regclass::text, conname,
               (select array_agg(attname::text) from pg_attribute
                where attrelid = conrelid and attnum = any (conkey)),
               confrelid::regclass::text
        from pg_constraint where contype = 'f' and connamespace = 'public'::regnamespace
        """
    ).fetchall()
    assert len(rows) > 30
    for table, name, columns, target in rows:
        if target not in {"organizations", "users"}:
            assert "org_id" in columns, f"{name} on {table}"
