/** What bookkeeping must do, line by line. Every implementation of the books runs all of them. */
export const transferTables: Readonly<Record<string, string>> = {
  "a single transfer moves money once": `
    account BANK EUR overdraw
    account A EUR
    account B EUR
    single  T1 BANK A 100 EUR             -> created
    single  T2 A B 30 EUR                 -> created
    single  T2 A B 30 EUR                 -> exists
    balance BANK                          -> debits 0+100 credits 0+0 available -100
    balance A                             -> debits 0+30 credits 0+100 available 70
    balance B                             -> debits 0+0 credits 0+30 available 30`,

  "a pending transfer sets money aside, a post moves it": `
    account BANK EUR overdraw
    account A EUR
    account B EUR
    single  T1 BANK A 100 EUR             -> created
    pending T2 A B 40 EUR until 1000      -> created
    balance A                             -> debits 40+0 credits 0+100 available 60
    balance B                             -> debits 0+0 credits 40+0 available 0
    single  T3 A B 61 EUR                 -> exceeds_available
    post    T4 T2 40                      -> created
    balance A                             -> debits 0+40 credits 0+100 available 60
    balance B                             -> debits 0+0 credits 0+40 available 40`,

  "a partial post releases the rest": `
    account BANK EUR overdraw
    account A EUR
    account B EUR
    single  T1 BANK A 100 EUR             -> created
    pending T2 A B 40 EUR until 1000      -> created
    post    T3 T2 41                      -> exceeds_pending_amount
    post    T4 T2 25                      -> created
    balance A                             -> debits 0+25 credits 0+100 available 75
    balance B                             -> debits 0+0 credits 0+25 available 25`,

  "a pending transfer ends exactly once": `
    account BANK EUR overdraw
    account A EUR
    single  T1 BANK A 100 EUR             -> created
    pending P1 A BANK 10 EUR until 1000   -> created
    pending P2 A BANK 10 EUR until 1000   -> created
    pending P3 A BANK 10 EUR until 1000   -> created
    post    R1 P1 10                      -> created
    void    R2 P2                         -> created
    expire  R3 P3                         -> pending_transfer_not_due
    at 1000
    post    R4 P3 10                      -> pending_transfer_expired
    expire  R5 P3                         -> created
    post    X1 P1 10                      -> pending_transfer_already_posted
    void    X2 P1                         -> pending_transfer_already_posted
    expire  X3 P1                         -> pending_transfer_already_posted
    post    X4 P2 10                      -> pending_transfer_already_voided
    void    X5 P2                         -> pending_transfer_already_voided
    expire  X6 P2                         -> pending_transfer_already_voided
    post    X7 P3 10                      -> pending_transfer_already_expired
    void    X8 P3                         -> pending_transfer_already_expired
    expire  X9 P3                         -> pending_transfer_already_expired
    balance A                             -> debits 0+10 credits 0+100 available 90
    balance BANK                          -> debits 0+100 credits 0+10 available -90`,

  "the same resolution asked twice is one resolution": `
    account BANK EUR overdraw
    account A EUR
    single  T1 BANK A 100 EUR             -> created
    pending P1 A BANK 10 EUR until 1000   -> created
    post    R1 P1 10                      -> created
    post    R1 P1 10                      -> exists
    post    R1 P1 9                       -> exists_with_different_amount
    void    R1 P1                         -> exists_with_different_kind
    post    R1 P2 10                      -> exists_with_different_pending_id
    post    R1 P1 10 for other            -> exists_with_different_reference
    at 5000
    post    R1 P1 10                      -> exists`,

  "the same id with other content is refused, most telling difference first": `
    account BANK EUR overdraw
    account A EUR
    account B EUR
    single  T1 BANK A 100 EUR for order1        -> created
    pending T1 A B 1 USD until 9 for order2     -> exists_with_different_kind
    single  T1 A B 1 USD until 9 for order2     -> exists_with_different_debit_account
    single  T1 BANK B 1 USD until 9 for order2  -> exists_with_different_credit_account
    single  T1 BANK A 1 USD until 9 for order2  -> exists_with_different_amount
    single  T1 BANK A 100 USD until 9 for order2 -> exists_with_different_currency
    single  T1 BANK A 100 EUR until 9 for order2 -> exists_with_different_expiry
    single  T1 BANK A 100 EUR for order2        -> exists_with_different_reference
    single  T1 BANK A 100 EUR for order1        -> exists
    balance A                                   -> debits 0+0 credits 0+100 available 100`,

  "a bad move is refused, in order of precedence": `
    account BANK EUR overdraw
    account A EUR
    account D USD overdraw
    at 100
    pending "" X X 0 JPY until 100        -> id_must_not_be_empty
    pending T1 X X 0 JPY until 100        -> amount_must_be_a_positive_integer
    pending T1 X X 1 JPY until 100        -> accounts_must_differ
    pending T1 X Y 1 JPY until 100        -> expiry_must_be_in_the_future
    single  T1 X Y 1 JPY until 200        -> expiry_must_be_absent
    single  T1 X Y 1 JPY                  -> debit_account_not_found
    single  T1 D Y 1 JPY                  -> credit_account_not_found
    single  T1 D A 1 JPY                  -> accounts_must_have_the_same_currency
    single  T1 A BANK 1 JPY               -> transfer_must_have_the_currency_of_its_accounts
    single  T1 A BANK 1 EUR               -> exceeds_available
    balance A                             -> debits 0+0 credits 0+0 available 0`,

  "a bad resolution is refused, in order of precedence": `
    account BANK EUR overdraw
    account A EUR
    single  T1 BANK A 100 EUR             -> created
    pending P1 A BANK 10 EUR until 1000   -> created
    post    "" NONE 0                     -> id_must_not_be_empty
    post    R1 NONE 0                     -> amount_must_be_a_positive_integer
    post    R1 NONE                       -> amount_must_be_a_positive_integer
    void    R1 NONE 5                     -> amount_must_be_absent
    post    R1 NONE 5                     -> pending_transfer_not_found
    post    R1 T1 5                       -> pending_transfer_not_pending
    at 1000
    post    R1 P1 11                      -> pending_transfer_expired
    at 999
    post    R1 P1 11                      -> exceeds_pending_amount
    balance A                             -> debits 10+0 credits 0+100 available 90`,

  "only whole positive amounts move": `
    account BANK EUR overdraw
    account A EUR
    single  T1 BANK A 0 EUR               -> amount_must_be_a_positive_integer
    single  T1 BANK A -1 EUR              -> amount_must_be_a_positive_integer
    single  T1 BANK A 1.5 EUR             -> amount_must_be_a_positive_integer
    single  T1 BANK A NaN EUR             -> amount_must_be_a_positive_integer
    single  T1 BANK A Infinity EUR        -> amount_must_be_a_positive_integer
    single  T1 BANK A 9007199254740992 EUR -> amount_must_be_a_positive_integer
    single  T1 BANK A 1 EUR               -> created`,

  "no counter grows past what a number holds exactly": `
    account BANK EUR overdraw
    account A EUR
    single  T1 BANK A 9007199254740990 EUR -> created
    single  T2 BANK A 2 EUR               -> overflows_account
    pending T3 BANK A 1 EUR until 9       -> created
    single  T4 BANK A 1 EUR               -> overflows_account
    post    T5 T3 1                       -> created
    balance A                             -> debits 0+0 credits 0+9007199254740991 available 9007199254740991`,

  "nobody spends what another transfer has set aside, to the last unit": `
    account BANK EUR overdraw
    account A EUR
    single  T1 BANK A 100 EUR             -> created
    pending T2 A BANK 100 EUR until 1000  -> created
    single  T3 A BANK 1 EUR               -> exceeds_available
    pending T4 A BANK 1 EUR until 1000    -> exceeds_available
    void    T5 T2                         -> created
    single  T3 A BANK 100 EUR             -> created
    balance A                             -> debits 0+100 credits 0+100 available 0`,
};
