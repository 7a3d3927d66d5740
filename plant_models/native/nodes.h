/* The nodes' system of equations: its matrix and its residual from all components, and its solution.

   The matrix has a fixed sparsity: it is factorised without pivoting in an order that was found when the plant was built,
   and with pivoting where a pivot is too small. */
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
