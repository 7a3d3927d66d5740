/* A plant in memory: its groups of equal components, its nodes, and what is common to all that is done with them.

   Members of a group stand in blocks of LANES lanes (element j of lane l at [j * lanes + l]); a block that is not full
   repeats its last member, which counts once. */
#pragma GCC optimize("O3")
#include <math.h>
#include <string.h>

typedef double V __attribute__((vector_size(8 * LANES)));
typedef long long M __attribute__((vector_size(8 * LANES)));

static inline double most(double one, double other) { return one > other ? one : other; }
static inline V larger(V one, V other)
{
    M mask = one > other;
    return (V)((mask & (M)one) | (~mask & (M)other));
}

/* changes are measured by kind: nodes' pressures, nodes' temperatures, all states, of these the positions */
enum { MASS_IN, ENERGY_IN, MASS_OUT, ENERGY_OUT, UNBALANCED, THROUGH, QUANTITIES };

enum { PRESSURES, TEMPERATURES, STATES, POSITIONS, SIZES };

typedef void Newton(const double *, const double *, const double *, const double *, double, double *, double *,
                    double *, double *, double *, double *, double *);
typedef void Refine(const double *, const double *, const double *, const double *, const double *, double, double *,
                    double *, double *);
typedef void Shown(const double *, const double *, const double *, double *);

typedef struct {
    Newton *newton;
    Refine *refine;
    Shown *flows, *output;
    long members, lanes, blocks, nx, nw, nu, ny, nb, nk;
    double *flat_x, *flat_u, *flat_y;                                 /* as Python has them: (members, n) */
    double *x, *c, *w, *u, *s0, *S, *phi0, *Phi, *beta0, *Beta, *kept, *flow, *y, *dx, *last; /* blocks */
    const double *per_tolerance;        /* nx, 1 over the tolerance of an update; 0 for what is neither K nor 1 */
    const double *per_tolerance_position;                             /* the same of positions only */
    const int *at;                                                    /* (blocks, nw, lanes): index in z */
    const int *place;                                                 /* (members, nw * nw): index of a nonzero */
    const int *energetic;                                             /* nb: 1 energy, 0 mass */
    const int *is_temperature;                                        /* nx */
    const int *is_mass;                                               /* nw: flows that are of mass */
} Group;

typedef struct {
    long groups, n_p, n, nonzeros;
    Group *group;
    double *z, *z_before, *T_c, *dz, *last_dz, *residual, *work, *into;
    const double *capacity, *z_scale, *row_scale, *z_per_tolerance;
    const int *order;                       /* row and column that is eliminated as the i-th */
    const int *row_start, *column, *source; /* nonzeros by rows in that order; columns in that order; index in values */
    double *values;
    const int *lower_start, *lower, *upper_start, *upper; /* pattern with fill: left of and right of the diagonal */
    double *factor, *lower_factor, *inverse;
    long dense_needed;                      /* whether a pivot of the last matrix was too small */
    double *dense;                          /* n * n, for pivoting */
    long most_iterations;
    double k, longest_pressure_move, turning, widening, shrinking, first_tolerance[SIZES], moderate[SIZES], pivot_small;
    long most_polishing, most_mends, most_cuts;
    double quick_move, jump; /* K */
    double unbalanced_share, unbalanced_small;
    long iterations, pivoted;
    double crossed[QUANTITIES], unbalanced, through;
} Plant;

enum { SOLVED, SINGULAR, NOT_FINITE, STILL_MOVING, JUMPED };

static void into_blocks(const double *flat, double *block, const Group *g, long n)
{
    for (long b = 0; b < g->blocks; b++)
        for (long l = 0; l < g->lanes; l++) {
            long member = b * g->lanes + l;
            const double *from = flat + (member < g->members ? member : g->members - 1) * n;
            for (long j = 0; j < n; j++) block[(b * n + j) * g->lanes + l] = from[j];
        }
}

static void out_of_blocks(const double *block, double *flat, const Group *g, long n, long width)
{
    for (long member = 0; member < g->members; member++) {
        const double *from = block + member / g->lanes * width * g->lanes + member % g->lanes;
        for (long j = 0; j < n; j++) flat[member * n + j] = from[j * g->lanes];
    }
}

static void see_nodes(const Plant *p, const Group *g)
{
    for (long i = 0; i < g->blocks * g->nw * g->lanes; i++) g->w[i] = p->z[g->at[i]];
}

static long lanes_in_use(const Group *g, long block)
{
    long left = g->members - block * g->lanes;
    return left < g->lanes ? left : g->lanes;
}
