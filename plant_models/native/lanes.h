/* Elementary functions over one lane (LANES = 1: a double) or several members of a group at once (a vector of doubles).
   Straight-line code that is written with these runs for LANES members in the time of one. */
#include <math.h>

#if LANES == 1

typedef double V;
typedef long long M;
static inline V splat(double value) { return value; }
static inline V pick(M mask, V yes, V no) { return mask ? yes : no; }
static inline V truth(M mask) { return mask ? 1.0 : 0.0; }
#define EACH(call) return call
#define LANE(v) v
#define exp_ exp
#define log_ log
#define tanh_ tanh
#define sqrt_ sqrt

#else

typedef double V __attribute__((vector_size(8 * LANES)));
typedef long long M __attribute__((vector_size(8 * LANES)));
static inline V splat(double value) { return (V){} + value; }
static inline V pick(M mask, V yes, V no) { return (V)((mask & (M)yes) | (~mask & (M)no)); }
static inline V truth(M mask) { return (V)(mask & (M)splat(1.0)); }
#define EACH(call) V all; for (int i = 0; i < LANES; i++) all[i] = call; return all
#define LANE(v) v[i]

static inline V sqrt_(V x) { EACH(__builtin_sqrt(x[i])); }

/* e^x = 2^n e^r with |r| <= ln(2)/2 and the series of e^r: within 2 units in the last place */
static inline V exp_(V x)
{
    const double shift = 0x1.8p52;
    V within = pick(x > splat(-708.0), pick(x < splat(709.0), x, splat(709.0)), splat(-708.0));
    V t = within * 0x1.71547652b82fep0 + shift, n = t - shift;
    V r = within - n * 0x1.62e42fefa3800p-1 - n * 0x1.ef35793c76730p-45;
    V p = splat(1.0 / 6227020800.0);
    p = p * r + 1.0 / 479001600.0;
    p = p * r + 1.0 / 39916800.0;
    p = p * r + 1.0 / 3628800.0;
    p = p * r + 1.0 / 362880.0;
    p = p * r + 1.0 / 40320.0;
    p = p * r + 1.0 / 5040.0;
    p = p * r + 1.0 / 720.0;
    p = p * r + 1.0 / 120.0;
    p = p * r + 1.0 / 24.0;
    p = p * r + 1.0 / 6.0;
    p = p * r + 0.5;
    p = p * r + 1.0;
    p = p * r + 1.0;
    V value = p * (V)(((M)t + 1023) << 52);
    value = pick(x >= splat(-708.0), value, splat(0.0));
    value = pick(x > splat(709.78), splat(INFINITY), value);
    return pick(x == x, value, x);
}

/* ln x = e ln 2 + 2 artanh((m - 1)/(m + 1)) with x = m 2^e, m in sqrt(1/2) .. sqrt(2): within 2 units */
static inline V log_(V x)
{
    M bits = (M)x;
    V m = (V)((bits & 0xfffffffffffffLL) | 0x3ff0000000000000LL);
    M high = m > splat(0x1.6a09e667f3bcdp0);
    V e = (V)(((bits >> 52) - 1023 - high) + (M)splat(0x1.8p52)) - 0x1.8p52;
    m = pick(high, 0.5 * m, m);
    V s = (m - 1.0) / (m + 1.0), z = s * s;
    V p = splat(1.0 / 21.0);
    p = p * z + 1.0 / 19.0;
    p = p * z + 1.0 / 17.0;
    p = p * z + 1.0 / 15.0;
    p = p * z + 1.0 / 13.0;
    p = p * z + 1.0 / 11.0;
    p = p * z + 1.0 / 9.0;
    p = p * z + 1.0 / 7.0;
    p = p * z + 1.0 / 5.0;
    p = p * z + 1.0 / 3.0;
    p = p * z + 1.0;
    V value = e * 0x1.62e42fefa3800p-1 + (2.0 * s * p + e * 0x1.ef35793c76730p-45);
    value = pick(x < splat(INFINITY), value, x);
    return pick(x > splat(0.0), value, pick(x == splat(0.0), splat(-INFINITY), splat(NAN)));
}

static inline V tanh_(V x)
{
    V size = pick(x < splat(0.0), -x, x);
    V grown = exp_(2.0 * pick(size < splat(20.0), size, splat(20.0)));
    V value = (grown - 1.0) / (grown + 1.0);
    value = pick(x < splat(0.0), -value, value);
    return pick(x == x, value, x);
}

#endif

static inline V abs_(V x) { return pick(x < splat(0.0), -x, x); }
static inline V sign_(V x) { return truth(x > splat(0.0)) - truth(x < splat(0.0)); }
static inline V least(V x, V y) { return pick(x < y, x, y); }
static inline V most(V x, V y) { return pick(x > y, x, y); }
static inline V either(V x, V y) { return truth((x != splat(0.0)) | (y != splat(0.0))); }
static inline V both(V x, V y) { return truth((x != splat(0.0)) & (y != splat(0.0))); }
static inline V no(V x) { return truth(x == splat(0.0)); }
static inline V if_(V condition, V x) { return pick(condition != splat(0.0), x, splat(0.0)); }
static inline V pow_(V x, V y) { EACH(pow(LANE(x), LANE(y))); }
static inline V floor_(V x) { EACH(floor(LANE(x))); }
static inline V ceil_(V x) { EACH(ceil(LANE(x))); }
static inline V sin_(V x) { EACH(sin(LANE(x))); }
static inline V cos_(V x) { EACH(cos(LANE(x))); }
static inline V tan_(V x) { EACH(tan(LANE(x))); }
static inline V atan_(V x) { EACH(atan(LANE(x))); }
static inline V sinh_(V x) { EACH(sinh(LANE(x))); }
static inline V cosh_(V x) { EACH(cosh(LANE(x))); }
static inline V erf_(V x) { EACH(erf(LANE(x))); }
static inline V log1p_(V x) { EACH(log1p(LANE(x))); }
static inline V expm1_(V x) { EACH(expm1(LANE(x))); }
static inline V hypot_(V x, V y) { EACH(hypot(LANE(x), LANE(y))); }
