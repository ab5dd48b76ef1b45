-- Who belongs to each case: the organisation it is named after and those linked to it.
create table case_members as
select
    case_id,
    first_seen,
    last_seen,
    unnest(
        list_distinct([organization_id] || coalesce(from_json(linked_organizations, '["VARCHAR"]'), []::varchar[]))
    ) as organization_id
from extraction_flags;
