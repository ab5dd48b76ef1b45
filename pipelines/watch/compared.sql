-- Organisations of one part of watch_accounts, in the order in which rhythm.sql numbers them.
select organization_id
from watch_accounts
where part = getvariable('watch_part')
order by organization_id;
