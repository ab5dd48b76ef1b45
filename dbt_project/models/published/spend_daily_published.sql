{{ config(alias='spend_daily') }}

select
    {{ listed(spend_columns(), "spend") }}
from {{ ref('spend_daily') }} as spend
