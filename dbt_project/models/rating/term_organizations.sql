{{ config(materialized='ephemeral') }}

-- Organisations that have terms of their own.
select distinct organization_id
from {{ source('run', 'terms') }}
where organization_id != '*'
