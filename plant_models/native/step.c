/* One implicit step of a whole plant: what plant_models/integrate.py and assembly.py do in NumPy, on the same numbers.

   Members of a group stand in blocks of LANES lanes (element j of lane l at [j * lanes + l]); a block that is not full
   repeats its last member, which counts once. The nodes' matrix has a fixed sparsity: it is factorised without
   pivoting in an order that was found when the plant was built, and with pivoting where a pivot is too small. */
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

/* all components at the trial point, and the nodes' matrix and residual from them */
static void linearise(Plant *p)
{
    memset(p->values, 0, p->nonzeros * sizeof(double));
    memset(p->residual, 0, p->n * sizeof(double));
    for (long i = 0; i < p->groups; i++) {
        Group *g = p->group + i;
        long L = g->lanes, nx = g->nx, nw = g->nw, nb = g->nb;
        see_nodes(p, g);
        for (long b = 0; b < g->blocks; b++) {
            double *phi0 = g->phi0 + b * nw * L, *Phi = g->Phi + b * nw * nw * L;
            g->newton(g->x + b * nx * L, g->c + b * nx * L, g->w + b * nw * L, g->u + b * g->nu * L, p->k,
                      g->s0 + b * nx * L, g->S + b * nx * nw * L, phi0, Phi, g->beta0 + b * nb * L,
                      g->Beta + b * nb * nw * L, g->kept + b * g->nk * L);
            for (long l = 0, in_use = lanes_in_use(g, b); l < in_use; l++) {
                const int *place = g->place + (b * L + l) * nw * nw, *at = g->at + b * nw * L + l;
                for (long j = 0; j < nw; j++) p->residual[at[j * L]] += phi0[j * L + l];
                for (long j = 0; j < nw * nw; j++) p->values[place[j]] += Phi[j * L + l];
            }
        }
    }
}

/* all components at the trial point with the matrices of before, and the nodes' residual from them */
static void refine(Plant *p)
{
    memset(p->residual, 0, p->n * sizeof(double));
    for (long i = 0; i < p->groups; i++) {
        Group *g = p->group + i;
        long L = g->lanes, nx = g->nx, nw = g->nw, nb = g->nb;
        see_nodes(p, g);
        for (long b = 0; b < g->blocks; b++) {
            double *phi0 = g->phi0 + b * nw * L;
            g->refine(g->x + b * nx * L, g->c + b * nx * L, g->w + b * nw * L, g->u + b * g->nu * L,
                      g->kept + b * g->nk * L, p->k, g->s0 + b * nx * L, phi0, g->beta0 + b * nb * L);
            for (long l = 0, in_use = lanes_in_use(g, b); l < in_use; l++) {
                const int *at = g->at + b * nw * L + l;
                for (long j = 0; j < nw; j++) p->residual[at[j * L]] += phi0[j * L + l];
            }
        }
    }
}

/* dense elimination with partial pivoting, for what the fixed order does not solve; the right side is in dz */
static int solve_dense(Plant *p, double k)
{
    long n = p->n;
    double *a = p->dense, *r = p->dz;
    memset(a, 0, n * n * sizeof(double));
    for (long i = 0; i < n; i++)
        for (long e = p->row_start[i]; e < p->row_start[i + 1]; e++) {
            long row = p->order[i], column = p->order[p->column[e]];
            double value = p->values[p->source[e]];
            if (row >= p->n_p) value = k * value + (row == column ? p->capacity[row - p->n_p] : 0.0);
            a[row * n + column] = value * p->z_scale[column] * p->row_scale[row];
        }
    for (long i = 0; i < n; i++) r[i] = p->residual[i] * p->row_scale[i];
    for (long i = 0; i < n; i++) {
        long best = i;
        for (long j = i + 1; j < n; j++)
            if (fabs(a[j * n + i]) > fabs(a[best * n + i])) best = j;
        if (a[best * n + i] == 0.0) return SINGULAR;
        if (best != i) {
            double kept = r[i];
            r[i] = r[best], r[best] = kept;
            for (long j = i; j < n; j++) kept = a[i * n + j], a[i * n + j] = a[best * n + j], a[best * n + j] = kept;
        }
        for (long j = i + 1; j < n; j++) {
            double factor = a[j * n + i] / a[i * n + i];
            if (factor == 0.0) continue;
            for (long m = i + 1; m < n; m++) a[j * n + m] -= factor * a[i * n + m];
            r[j] -= factor * r[i];
        }
    }
    for (long i = n - 1; i >= 0; i--) {
        for (long j = i + 1; j < n; j++) r[i] -= a[i * n + j] * r[j];
        r[i] /= a[i * n + i];
    }
    for (long i = 0; i < n; i++) r[i] *= -p->z_scale[i];
    return SOLVED;
}

/* the nodes' matrix in factors, in the order that was found when the plant was built */
static void factorise(Plant *p, double k)
{
    double *work = p->work;
    p->dense_needed = 0;
    for (long i = 0; i < p->n; i++) {
        long row = p->order[i];
        double scale = row < p->n_p ? p->row_scale[row] : k * p->row_scale[row];
        for (long l = p->lower_start[i]; l < p->lower_start[i + 1]; l++) work[p->lower[l]] = 0.0;
        for (long e = p->upper_start[i]; e < p->upper_start[i + 1]; e++) work[p->upper[e]] = 0.0;
        work[i] = row < p->n_p ? 0.0 : p->capacity[row - p->n_p] * p->row_scale[row] * p->z_scale[row];
        for (long e = p->row_start[i]; e < p->row_start[i + 1]; e++)
            work[p->column[e]] += scale * p->z_scale[p->order[p->column[e]]] * p->values[p->source[e]];
        for (long l = p->lower_start[i]; l < p->lower_start[i + 1]; l++) {
            long j = p->lower[l];
            double factor = p->lower_factor[l] = work[j] * p->inverse[j];
            for (long e = p->upper_start[j]; e < p->upper_start[j + 1]; e++)
                work[p->upper[e]] -= factor * p->factor[e];
        }
        double largest = 0.0;
        for (long e = p->upper_start[i]; e < p->upper_start[i + 1]; e++) {
            p->factor[e] = work[p->upper[e]];
            largest = most(largest, fabs(p->factor[e]));
        }
        if (!(fabs(work[i]) > p->pivot_small * largest)) {
            p->dense_needed = 1;
            return;
        }
        p->inverse[i] = 1.0 / work[i];
    }
}

/* the change dz of the nodes that takes the residual away */
static int solve(Plant *p, double k)
{
    double *right = p->work;
    if (p->dense_needed) {
        p->pivoted++;
        return solve_dense(p, k);
    }
    for (long i = 0; i < p->n; i++) {
        double r = p->residual[p->order[i]] * p->row_scale[p->order[i]];
        for (long l = p->lower_start[i]; l < p->lower_start[i + 1]; l++) r -= p->lower_factor[l] * right[p->lower[l]];
        right[i] = r;
    }
    for (long i = p->n - 1; i >= 0; i--) {
        double r = right[i];
        for (long e = p->upper_start[i]; e < p->upper_start[i + 1]; e++) r -= p->factor[e] * right[p->upper[e]];
        right[i] = r * p->inverse[i];
        p->dz[p->order[i]] = -right[i] * p->z_scale[p->order[i]];
    }
    return SOLVED;
}

/* the Newton change of the nodes: no mass stored, capacity * (T - T_c) = -k * (enthalpy into the components) */
static int solve_nodes(Plant *p, double k)
{
    for (long i = p->n_p; i < p->n; i++)
        p->residual[i] = k * p->residual[i] + p->capacity[i - p->n_p] * (p->z[i] - p->T_c[i - p->n_p]);
    return solve(p, k);
}

/* the change of the states of a block of one lane that goes with dz, and the largest of them in tolerances */
static void correct_one(const Plant *p, const Group *g, long b, double *sizes, double *sum)
{
    const double *S = g->S + b * g->nx * g->nw, *s0 = g->s0 + b * g->nx;
    double *dx = g->dx + b * g->nx;
    for (long j = 0; j < g->nx; j++) {
        double change = -s0[j];
        for (long m = 0; m < g->nw; m++) change -= S[m * g->nx + j] * p->dz[g->at[b * g->nw + m]];
        sizes[STATES] = most(sizes[STATES], fabs(change) * g->per_tolerance[j]);
        sizes[POSITIONS] = most(sizes[POSITIONS], fabs(change) * g->per_tolerance_position[j]);
        *sum += dx[j] = change;
    }
}

/* the same for a block of LANES lanes */
static void correct_lanes(const Plant *p, const Group *g, long b, double *sizes, double *sum)
{
    long nx = g->nx, nw = g->nw;
    const V *S = (const V *)g->S + b * nx * nw, *s0 = (const V *)g->s0 + b * nx;
    V *dx = (V *)g->dx + b * nx, by[nw], states = {0}, positions = {0}, all = {0};
    for (long m = 0; m < nw; m++)
        for (long l = 0; l < LANES; l++) by[m][l] = p->dz[g->at[(b * nw + m) * LANES + l]];
    for (long j = 0; j < nx; j++) {
        V change = -s0[j];
        for (long m = 0; m < nw; m++) change -= S[m * nx + j] * by[m];
        V size = larger(change, -change);
        states = larger(states, size * g->per_tolerance[j]);
        positions = larger(positions, size * g->per_tolerance_position[j]);
        all += dx[j] = change;
    }
    for (long l = 0; l < LANES; l++) {
        sizes[STATES] = most(sizes[STATES], states[l]);
        sizes[POSITIONS] = most(sizes[POSITIONS], positions[l]);
        *sum += all[l];
    }
}

/* the corrections of all states; returns the largest change in units of its tolerance, NaN if there is one */
static double correct(Plant *p, double *sizes)
{
    double size = 0.0, sum = 0.0;
    for (int kind = 0; kind < SIZES; kind++) sizes[kind] = 0.0;
    for (long i = 0; i < p->n; i++) {
        double *kind = sizes + (i < p->n_p ? PRESSURES : TEMPERATURES);
        *kind = most(*kind, fabs(p->dz[i]) * p->z_per_tolerance[i]);
        sum += p->dz[i];
    }
    for (long i = 0; i < p->groups; i++)
        for (long b = 0; b < p->group[i].blocks; b++)
            (p->group[i].lanes == 1 ? correct_one : correct_lanes)(p, p->group + i, b, sizes, &sum);
    for (int kind = 0; kind < SIZES; kind++) size = most(size, sizes[kind]);
    return isfinite(sum) ? size : NAN; /* comparisons drop a NaN, sums do not */
}

/* Whether a change is the last one: it is within its tolerance, or Newton's method converges and the next one is. Kinks
   in the equations of a kind of variable show in its own sizes. ``known``: the change was found with matrices of before;
   ``alike``: so was the one before it, or neither; else the way from one to the other tells nothing. */
static int is_last(const Plant *p, const double *sizes, const double *before, long iteration, double damping, int known,
                   int alike)
{
    for (int kind = 0; kind < SIZES; kind++) {
        double next = sizes[kind];
        if (iteration == 0 && !known) next /= p->first_tolerance[kind];
        if (iteration && alike && damping == 1.0 && sizes[kind] < before[kind]) next *= sizes[kind] / before[kind];
        if (next >= 1.0) return 0;
    }
    return 1;
}

/* whether a stage's first change is so small that no switch is to be feared in it */
static int is_moderate(const Plant *p, const double *sizes)
{
    for (int kind = 0; kind < SIZES; kind++)
        if (sizes[kind] > p->moderate[kind]) return 0;
    return 1;
}

/* How much of a Newton step is taken. A step that takes back the last move shows that a kink or a steep switch lies
   between: a bracket, of which half is taken, and half of what is left, until a move keeps its direction. Pressures,
   temperatures of nodes and states each have their own. */
enum { PARTS = 3 };
typedef struct {
    double radius[PARTS]; /* longest move, in tolerances */
    long kept[PARTS];     /* moves since it last went to and fro */
} Trust;

typedef struct {
    double dot, now, last, largest;
} Course;

static void follow(Course *course, double now, double last)
{
    course->dot += now * last, course->now += now * now, course->last += last * last;
    course->largest = most(course->largest, fabs(now));
}

/* the share of a part that is taken */
static double trusted(const Plant *p, Trust *trust, int part, const Course *c)
{
    double length = sqrt(c->now), *radius = trust->radius + part;
    if (c->dot < 0.0 && c->now > p->turning * p->turning * c->last && c->largest > 1.0) {
        if (0.5 * sqrt(c->last) < *radius) *radius = 0.5 * sqrt(c->last);
        trust->kept[part] = 0;
    } else if (++trust->kept[part] > 1) *radius *= p->widening;
    return length > *radius ? *radius / length : 1.0;
}

static double share_of_step(const Plant *p, Trust *trust)
{
    double share = 1.0, part_share;
    Course course[PARTS] = {0};
    for (long i = 0; i < p->n; i++)
        follow(course + (i < p->n_p ? 0 : 1), p->dz[i] * p->z_per_tolerance[i], p->last_dz[i] * p->z_per_tolerance[i]);
    for (long i = 0; i < p->groups; i++) {
        const Group *g = p->group + i;
        for (long b = 0; b < g->blocks; b++)
            for (long j = 0; j < g->nx; j++)
                for (long l = 0, in_use = lanes_in_use(g, b); l < in_use; l++) {
                    long e = (b * g->nx + j) * g->lanes + l;
                    follow(course + 2, g->dx[e] * g->per_tolerance[j], g->last[e] * g->per_tolerance[j]);
                }
    }
    for (int part = 0; part < PARTS; part++) {
        part_share = trusted(p, trust, part, course + part);
        if (part_share < share) share = part_share;
    }
    return share;
}

static void move(Plant *p, double share)
{
    for (long i = 0; i < p->n; i++) p->z[i] += p->last_dz[i] = share * p->dz[i];
    for (long i = 0; i < p->groups; i++) {
        Group *g = p->group + i;
        if (g->lanes == 1) {
            for (long e = 0; e < g->blocks * g->nx; e++) g->x[e] += g->last[e] = share * g->dx[e];
            continue;
        }
        V *x = (V *)g->x, *last = (V *)g->last, *dx = (V *)g->dx;
        for (long e = 0; e < g->blocks * g->nx; e++) x[e] += last[e] = share * dx[e];
    }
}

/* the largest move of a temperature of a machine since the stage's start, K, with a share of the change that was found */
static double moved(const Plant *p, double share)
{
    double most_moved = 0.0;
    for (long i = 0; i < p->groups; i++) {
        const Group *g = p->group + i;
        for (long j = 0; j < g->nx; j++) {
            if (!g->is_temperature[j]) continue;
            for (long b = 0; b < g->blocks; b++) {
                long e = (b * g->nx + j) * g->lanes;
                for (long l = 0; l < g->lanes; l++)
                    most_moved = most(most_moved, fabs(g->x[e + l] + share * g->dx[e + l] - g->c[e + l]));
            }
        }
    }
    return most_moved;
}

/* One implicit stage of weight k. The matrices are made anew as long as changes do not shrink well, and all along where the
   first one is large; else those of before do. ``known``: they are of this stage already. Where the first change would move
   a temperature by more than ``jump``, it is given up before anything has moved. */
static int stage(Plant *p, double k, int known, double jump)
{
    double sizes[SIZES], before[SIZES], last_size = INFINITY, damping = 0.0;
    Trust trust = {{INFINITY, INFINITY, INFINITY}, {0}};
    int last_known = known, keep = 0;
    p->k = k;
    for (long iteration = 0; iteration < p->most_iterations; iteration++) {
        p->iterations++;
        if (known) refine(p);
        else {
            linearise(p);
            factorise(p, k);
        }
        if (solve_nodes(p, k)) return SINGULAR;
        double size = correct(p, sizes);
        if (!isfinite(size)) return NOT_FINITE;
        if (iteration == 0 && jump < INFINITY && moved(p, 1.0) > jump) return JUMPED;
        if (is_last(p, sizes, before, iteration, damping, known, known == last_known)) {
            move(p, 1.0);
            return SOLVED;
        }
        double longest = 1.0;
        for (long i = 0; i < p->n_p; i++) longest = most(longest, fabs(p->dz[i]));
        damping = iteration ? share_of_step(p, &trust) : 1.0;
        if (damping * longest > p->longest_pressure_move) damping = p->longest_pressure_move / longest;
        if (iteration == 0) keep = is_moderate(p, sizes);
        last_known = known;
        known = keep && damping == 1.0 && size < p->shrinking * last_size;
        last_size = size;
        memcpy(before, sizes, sizeof before);
        move(p, damping);
    }
    return STILL_MOVING;
}

/* what crossed the plant's boundary, by the flows linearised at the point that the last move reached */
static void account(Plant *p, double seconds)
{
    for (long i = 0; i < p->groups; i++) {
        const Group *g = p->group + i;
        for (long member = 0; member < g->members; member++) {
            long b = member / g->lanes, l = member % g->lanes, L = g->lanes, nb = g->nb;
            const double *beta0 = g->beta0 + b * nb * L + l, *Beta = g->Beta + b * nb * g->nw * L + l;
            const int *at = g->at + b * g->nw * L + l;
            for (long j = 0; j < nb; j++) {
                double flow = beta0[j * L];
                for (long m = 0; m < g->nw; m++) flow += Beta[(m * nb + j) * L] * p->dz[at[m * L]];
                p->crossed[(flow > 0.0 ? MASS_IN : MASS_OUT) + g->energetic[j]] += fabs(flow) * seconds;
            }
        }
    }
}

/* how well the nodes balance at the trial point */
static void weigh(Plant *p)
{
    memset(p->into, 0, p->n * sizeof(double));
    double through = 0.0;
    for (long i = 0; i < p->groups; i++) {
        Group *g = p->group + i;
        long L = g->lanes;
        see_nodes(p, g);
        for (long b = 0; b < g->blocks; b++)
            g->flows(g->x + b * g->nx * L, g->w + b * g->nw * L, g->u + b * g->nu * L, g->flow + b * g->nw * L);
        for (long member = 0; member < g->members; member++) {
            long b = member / L, l = member % L;
            for (long j = 0; j < g->nw; j++)
                if (g->is_mass[j]) {
                    double flow = g->flow[(b * g->nw + j) * L + l];
                    p->into[g->at[(b * g->nw + j) * L + l]] += flow;
                    through += 0.5 * fabs(flow);
                }
        }
    }
    p->through = through;
    p->unbalanced = 0.0;
    for (long i = 0; i < p->n_p; i++) p->unbalanced += fabs(p->into[i]);
}

static int nodes_balance(const Plant *p) { return p->unbalanced <= p->unbalanced_share * p->through + p->unbalanced_small; }

/* a share of the change of nodes and states that was found, with its part in dz of the last iteration */
static void shift(Plant *p, double share)
{
    for (long i = 0; i < p->groups; i++) {
        Group *g = p->group + i;
        for (long e = 0; e < g->blocks * g->nx * g->lanes; e++) g->x[e] += share * g->dx[e];
    }
    for (long i = 0; i < p->n; i++) {
        p->z[i] += share * p->dz[i];
        p->last_dz[i] += share * p->dz[i];
    }
    weigh(p);
}

/* Lets what the nodes leave unbalanced flow off, by the matrix as it is, if that makes it less: only flows are looked at
   anew. It adds to dz, which the accounts are made from. Says whether it did. */
static int mend(Plant *p, double k)
{
    double sizes[SIZES], unbalanced = p->unbalanced;
    memcpy(p->last_dz, p->dz, p->n * sizeof(double));
    memcpy(p->residual, p->into, p->n * sizeof(double)); /* of nodes' temperatures 0 */
    if (solve(p, k)) {
        memcpy(p->dz, p->last_dz, p->n * sizeof(double));
        return 0;
    }
    for (long i = 0; i < p->groups; i++)
        memset(p->group[i].s0, 0, p->group[i].blocks * p->group[i].nx * p->group[i].lanes * sizeof(double));
    correct(p, sizes);
    shift(p, 1.0);
    int mended = p->unbalanced < unbalanced;
    if (!mended) shift(p, -1.0);
    memcpy(p->dz, p->last_dz, p->n * sizeof(double));
    return mended;
}

static void show_outputs(Plant *p)
{
    for (long i = 0; i < p->groups; i++) {
        Group *g = p->group + i;
        long L = g->lanes;
        see_nodes(p, g);
        for (long b = 0; b < g->blocks; b++)
            g->output(g->x + b * g->nx * L, g->w + b * g->nw * L, g->u + b * g->nu * L, g->y + b * g->ny * L);
        out_of_blocks(g->y, g->flat_y, g, g->ny, g->ny);
    }
}

/* outputs at the present states */
void evaluate(Plant *p)
{
    for (long i = 0; i < p->groups; i++) {
        Group *g = p->group + i;
        into_blocks(g->flat_x, g->x, g, g->nx);
        into_blocks(g->flat_u, g->u, g, g->nu);
    }
    show_outputs(p);
}

/* c + share * (x - c) for states and nodes: where the next stage starts from */
static void start_from(Plant *p, double share)
{
    double *T = p->z + p->n_p;
    for (long i = 0; i < p->n - p->n_p; i++) p->T_c[i] = share * T[i] + (1.0 - share) * p->T_c[i];
    for (long i = 0; i < p->groups; i++) {
        Group *g = p->group + i;
        long size = g->blocks * g->nx * g->lanes;
        for (long e = 0; e < size; e++) g->c[e] = share * g->x[e] + (1.0 - share) * g->c[e];
    }
}

/* the last stage of a step, until the nodes balance */
static int last_stage(Plant *p, double k, int known)
{
    for (long round = 0; round <= p->most_polishing; round++) {
        int failed = stage(p, k, round ? round == 1 : known, INFINITY);
        if (failed) return failed;
        weigh(p);
        for (long i = 0; i < p->most_mends && !nodes_balance(p); i++)
            if (!mend(p, k)) break;
        if (nodes_balance(p)) break;
    }
    account(p, k);
    return SOLVED;
}

/* the second half of SDIRK2, its first stage being solved */
static int second_half(Plant *p, double dt, double gamma)
{
    account(p, (1.0 - gamma) * dt);
    start_from(p, (1.0 - gamma) / gamma);
    return last_stage(p, gamma * dt, 1);
}

/* the first stage of a step and how far a temperature moves in it, or JUMPED where that is more than ``jump`` */
static int first_stage(Plant *p, double k, double jump, double *most_moved)
{
    int failed = stage(p, k, 0, jump);
    if (failed) return failed;
    *most_moved = moved(p, 0.0);
    return *most_moved > jump ? JUMPED : SOLVED;
}

/* the two halves of a step from where it began, each in halves itself if it still has a jump */
static int in_halves(Plant *p, double dt, double gamma, long depth)
{
    memcpy(p->z + p->n_p, p->T_c, (p->n - p->n_p) * sizeof(double));
    for (long i = 0; i < p->groups; i++) {
        Group *g = p->group + i;
        memcpy(g->x, g->c, g->blocks * g->nx * g->lanes * sizeof(double));
    }
    double most_moved;
    for (int half = 0; half < 2; half++) {
        if (half) start_from(p, 1.0);
        int failed = first_stage(p, gamma * dt / 2.0, depth < p->most_cuts ? p->jump : INFINITY, &most_moved);
        failed = failed == JUMPED ? in_halves(p, dt / 2.0, gamma, depth + 1)
                 : failed         ? failed
                                  : second_half(p, dt / 2.0, gamma);
        if (failed) return failed;
    }
    return SOLVED;
}

static int stages(Plant *p, double dt, double gamma)
{
    if (gamma == 1.0) return last_stage(p, dt, 0);
    double left = dt, most_moved;
    for (long cuts = 0;; cuts++) {
        int failed = first_stage(p, gamma * left, cuts ? INFINITY : p->jump, &most_moved);
        if (failed == JUMPED) return in_halves(p, dt, gamma, 1);
        if (failed) return failed;
        if (cuts == p->most_cuts || most_moved < p->quick_move) return second_half(p, left, gamma);
        account(p, gamma * left); /* the first stage is a step of implicit Euler: taken as such where things jump */
        start_from(p, 1.0);
        left -= gamma * left;
    }
}

/* A step of dt: stages of implicit weight gamma * dt. What crossed is that of steps that were solved; the states in
   Python's vectors change only if it is solved, z in any case. */
static int one_step(Plant *p, double dt, double gamma)
{
    double crossed[QUANTITIES];
    memcpy(crossed, p->crossed, sizeof crossed);
    memcpy(p->T_c, p->z + p->n_p, (p->n - p->n_p) * sizeof(double));
    for (long i = 0; i < p->groups; i++) {
        Group *g = p->group + i;
        into_blocks(g->flat_x, g->x, g, g->nx);
        into_blocks(g->flat_u, g->u, g, g->nu);
        memcpy(g->c, g->x, g->blocks * g->nx * g->lanes * sizeof(double));
    }
    int failed = stages(p, dt, gamma);
    if (failed) {
        memcpy(p->crossed, crossed, sizeof crossed);
        return failed;
    }
    p->crossed[UNBALANCED] += p->unbalanced * dt;
    p->crossed[THROUGH] += p->through * dt;
    show_outputs(p);
    for (long i = 0; i < p->groups; i++) {
        Group *g = p->group + i;
        out_of_blocks(g->x, g->flat_x, g, g->nx, g->nx);
    }
    return SOLVED;
}

int step(Plant *p, double dt, double gamma)
{
    memset(p->crossed, 0, sizeof p->crossed);
    return one_step(p, dt, gamma);
}

/* Steps with inputs from rows and signals into a table; to and from are addresses of single values, with the column that
   belongs to each. Returns how many were solved; the one after them has changed nothing. */
long run(Plant *p, long steps, double dt, double gamma, long inputs, double *const *to, const int *row_column, long row,
         const double *rows, long signals, const double *const *from, const int *table_column, long width,
         double *table)
{
    memset(p->crossed, 0, sizeof p->crossed);
    for (long i = 0; i < steps; i++) {
        for (long j = 0; j < inputs; j++) *to[j] = rows[i * row + row_column[j]];
        memcpy(p->z_before, p->z, p->n * sizeof(double));
        if (one_step(p, dt, gamma)) {
            memcpy(p->z, p->z_before, p->n * sizeof(double));
            return i;
        }
        for (long j = 0; j < signals; j++) table[i * width + table_column[j]] = *from[j];
    }
    return steps;
}
