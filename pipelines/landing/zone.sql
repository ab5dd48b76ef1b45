-- ISO 8601 text as UTC, of a source whose times are in a zone with summer time; the connection is set to that zone.
-- A local time that no clock showed, or that two instants share, is null: which was meant is not known.
create or replace temp macro calendar_instant(t) as (
    case
        when regexp_matches(t, ':.*([zZ]|[+-](0[0-9]|1[0-4])(:?[0-9]{2})?|UTC|GMT)\s*$')
            then try_cast(t as timestamptz) at time zone 'UTC'
        when regexp_matches(t, ':.*[+-][0-9]{2}(:?[0-9]{2})?\s*$') then null
        when
            try_cast(t as timestamptz)::timestamp = try_cast(t as timestamp)
            -- Clocks are put back by an hour, on Lord Howe Island by half of one.
            and (try_cast(t as timestamptz) + interval 1 hour)::timestamp != try_cast(t as timestamp)
            and (try_cast(t as timestamptz) - interval 1 hour)::timestamp != try_cast(t as timestamp)
            and (try_cast(t as timestamptz) + interval 30 minutes)::timestamp != try_cast(t as timestamp)
            and (try_cast(t as timestamptz) - interval 30 minutes)::timestamp != try_cast(t as timestamp)
            then try_cast(t as timestamptz) at time zone 'UTC'
    end
);
