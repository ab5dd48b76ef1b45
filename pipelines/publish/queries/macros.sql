-- Functions that other queries share.

-- An amount as a number of its smallest units.
create macro units_of(amount) as (
    floor(amount)::hugeint * 1000000000000000000::hugeint
    + ((amount - floor(amount)) * 1000000000000000000::decimal(19, 0))::hugeint
);

create macro amount_of(units) as (
    (units // 1000000000000000000)::decimal(38, 18)
    + ((units % 1000000000000000000)::decimal(38, 0) * 0.000000000000000001::decimal(18, 18))::decimal(38, 18)
);

-- An amount times part / whole, cut after its eighteen places: a quotient of decimals would be a double here.
-- `part` and `whole` are whole numbers.
create macro prorated(amount, part, whole) as (
    amount_of(units_of(amount) // whole * part + units_of(amount) % whole * part // whole)
);
